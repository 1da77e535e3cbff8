"""The report of an export."""

import dataclasses
import hashlib
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text


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
        value = np.asarray(value, order="C")
        zeros = int(value.size - np.count_nonzero(value))
        digest = hashlib.sha256(value.reshape(-1).view(np.uint8).data).hexdigest()
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
class Measured:
    """Sizes and latency of an artifact.

    Args:
        parameters: number of weights.
        bytes: size of the file or folder on disk.
        gzipped_bytes: size as `.tar.gz`; above 64 MB, extrapolated from evenly spaced blocks.
        latency: median milliseconds of a call on one CPU thread, by batch size; empty if the
            format has only weights.
    """

    parameters: int
    bytes: int
    gzipped_bytes: int
    latency: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportReport:
    """An artifact that was reloaded and compared.

    `sparsity` is the fraction of zeros in the prunable variables, `total_sparsity` in all.

    Args:
        path: where the artifact is.
        format: name of the format.
        bytes: size of the file or folder on disk.
        gzipped_bytes: size as `.tar.gz`; see `Measured`.
        plain_bytes: bytes of the values of all variables.
        max_abs_difference: largest absolute difference between the artifact's output and that of
            the model on the backend that exported it, for the output closest to its limit; 0 for
            a format with only weights, which are equal bit for bit.
        tolerance: the difference that was allowed for this output.
        inputs: name -> shape and type, e.g. `"(None, 64) float32"`.
        outputs: names of the outputs.
        variables: variables of the model.
        versions: versions of Python, Keras and this package, and the backend.
        stored: number of weights in the artifact, and how many are 0.
        quantization: what quantized the weights, if anything.
        latency: as in `Measured`.
        dense: the network with its zeros filled, neither compacted nor quantized, in the same
            format; None if identical to the artifact, or with `dense=False`.
        notes: what else a user should know.
        flops: floating-point operations of one example before and after compaction; (0, 0)
            without it.
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
    stored: tuple[int, int] = (0, 0)
    quantization: str = ""
    latency: Mapping[int, float] = field(default_factory=dict)
    dense: Measured | None = None
    notes: tuple[str, ...] = ()
    flops: tuple[int, int] = (0, 0)

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

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Returns the table: name, value of the artifact, of the dense network, and their ratio."""
        dense = self.dense
        rows = [
            _row("weights", self.parameters, dense.parameters if dense else None),
            *([_row("FLOPs", self.flops[1], self.flops[0])] if self.flops[0] else []),
            ("zeros in prunable weights", f"{self.prunable_zeros:,}", "", f"{self.sparsity:.2%}"),
            (
                "zeros stored",
                f"{self.stored[1]:,}",
                "",
                f"{self.stored[1] / max(self.stored[0], 1):.2%}",
            ),
            _row("bytes", self.bytes, dense.bytes if dense else None),
            _row("bytes gzipped", self.gzipped_bytes, dense.gzipped_bytes if dense else None),
        ]
        for batch, value in self.latency.items():
            before = dense.latency.get(batch) if dense else None
            rows.append(_row(f"ms at batch {batch}", value, before, ".3g"))
        return rows

    @property
    def title(self) -> str:
        """Format, and how the weights were quantized."""
        how = f", {self.quantization}" if self.quantization else ""
        return f"{self.path}  ({self.format}{how})"

    @property
    def comparison(self) -> str:
        """One sentence on how the artifact was compared with the model."""
        if not self.outputs:
            return "Reloaded in a fresh process: all weights are equal bit for bit."
        return (
            f"Reloaded in a fresh process: outputs differ by {self.max_abs_difference:.1e} at most "
            f"({self.tolerance:.1e} allowed)."
        )

    def as_markdown(self) -> str:
        """Returns the table and the sentences under it as Markdown."""
        lines = [f"# {self.path.name}: {self.format}", ""]
        lines += ["| | exported | dense | fraction |", "|---|---:|---:|---:|"]
        lines += [f"| {' | '.join(row)} |" for row in self.rows()]
        sentences = [self.comparison, *self.notes]
        if self.quantization:
            sentences.insert(0, f"Quantized by {self.quantization}.")
        return "\n".join([*lines, "", *sentences]) + "\n"

    def __rich__(self) -> Group:
        table = Table()
        table.add_column("")
        for column in ("exported", "dense", "fraction"):
            table.add_column(column, justify="right")
        for row in self.rows():
            table.add_row(*row)
        return Group(Text(self.title), table, *map(Text, (self.comparison, *self.notes)))

    def __str__(self) -> str:
        text = io.StringIO()
        Console(file=text, width=100, color_system=None, force_jupyter=False).print(self)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines())


def _row(
    name: str, value: float, dense: float | None, form: str = ","
) -> tuple[str, str, str, str]:
    if dense is None:
        return name, f"{value:{form}}", "", ""
    return name, f"{value:{form}}", f"{dense:{form}}", f"{value / max(dense, 1e-9):.2%}"
