"""The report of an export."""

import dataclasses
import hashlib
import io
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class StoredVariable:
    """One variable of an artifact.

    Args:
        path: structural path.
        shape: its shape.
        dtype: its dtype.
        zeros: number of entries that are exactly 0.
        digest: SHA-256 of the values, in C order.
        prunable: whether the model's masks, or the defaults for a plain model, may prune it.
    """

    path: str
    shape: tuple[int, ...]
    dtype: str
    zeros: int
    digest: str
    prunable: bool = False

    @classmethod
    def of(cls, path: str, value: NDArray[Any], dtype: str = "") -> "StoredVariable":
        """Describes `value`; half-precision values are compared as float32, which is exact."""
        dtype = dtype or str(value.dtype)
        if dtype in ("bfloat16", "float16"):
            value = value.astype(np.float32)
        value = np.ascontiguousarray(value)
        zeros = int(value.size - np.count_nonzero(value))
        digest = hashlib.sha256(value.tobytes()).hexdigest()
        return cls(path, tuple(map(int, value.shape)), dtype, zeros, digest)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "StoredVariable":
        """Reads the result of `dataclasses.asdict`."""
        return cls(**(value | {"shape": tuple(value["shape"])}))

    @property
    def size(self) -> int:
        """Number of entries."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of the values."""
        return self.size * (2 if self.dtype == "bfloat16" else np.dtype(self.dtype).itemsize)


@dataclass(frozen=True)
class ExportReport:
    """An artifact that was reloaded and compared.

    `sparsity` is the fraction of zeros in the prunable variables, `total_sparsity` in all.

    Args:
        path: where the artifact is.
        format: name of the format.
        bytes: size of the file or folder on disk.
        gzipped_bytes: size as `.tar.gz`.
        plain_bytes: bytes of the values of all variables, a lower bound on `bytes`.
        max_abs_difference: largest absolute difference between the outputs of the artifact and
            those of the model on the backend that exported it.
        tolerance: the difference that was allowed.
        inputs: name -> shape and type, e.g. `"(None, 64) float32"`.
        outputs: names of the outputs.
        variables: variables of the artifact.
        versions: versions of Python, Keras and this package, and the backend.
        compacted: `parameters` and `FLOPs` before and after compaction; empty without it.
    """

    path: Path
    format: str
    bytes: int
    gzipped_bytes: int
    plain_bytes: int
    max_abs_difference: float
    tolerance: float
    inputs: dict[str, str]
    outputs: tuple[str, ...]
    variables: tuple[StoredVariable, ...]
    versions: dict[str, str] = field(default_factory=dict)
    compacted: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(v.size for v in self.variables)

    @property
    def prunable(self) -> int:
        """Number of weights in prunable variables."""
        return sum(v.size for v in self.variables if v.prunable)

    @property
    def zeros(self) -> int:
        """Number of weights that are exactly 0."""
        return sum(v.zeros for v in self.variables)

    @property
    def prunable_zeros(self) -> int:
        """Number of weights in prunable variables that are exactly 0."""
        return sum(v.zeros for v in self.variables if v.prunable)

    @property
    def sparsity(self) -> float:
        """Fraction of zeros in the prunable variables."""
        return self.prunable_zeros / max(self.prunable, 1)

    @property
    def total_sparsity(self) -> float:
        """Fraction of zeros in all variables."""
        return self.zeros / max(self.parameters, 1)

    @property
    def ratio(self) -> float:
        """`bytes` over `plain_bytes`."""
        return self.bytes / max(self.plain_bytes, 1)

    def as_json(self) -> dict[str, Any]:
        """Returns everything as JSON values, including the derived numbers."""
        derived = (
            "parameters",
            "prunable",
            "zeros",
            "prunable_zeros",
            "sparsity",
            "total_sparsity",
            "ratio",
        )
        fields = dataclasses.asdict(self) | {name: getattr(self, name) for name in derived}
        return fields | {"path": self.path.name}

    def __rich__(self) -> Table:
        table = Table(title=f"{self.path}  ({self.format})", title_justify="left")
        table.add_column("")
        for column in ("value", "of", "fraction"):
            table.add_column(column, justify="right")
        for name, part, whole in (
            *((f"{name} left", after, before) for name, (before, after) in self.compacted.items()),
            ("prunable zeros", self.prunable_zeros, self.prunable),
            ("all zeros", self.zeros, self.parameters),
            ("bytes (of the plain values)", self.bytes, self.plain_bytes),
            ("bytes gzipped", self.gzipped_bytes, self.plain_bytes),
        ):
            table.add_row(name, f"{part:,}", f"{whole:,}", f"{part / max(whole, 1):.2%}")
        difference, allowed = f"{self.max_abs_difference:.1e}", f"{self.tolerance:.1e}"
        table.add_row("largest difference of an output", difference, allowed, "allowed")
        return table

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=100, color_system=None).print(self)
        return text.getvalue().rstrip()
