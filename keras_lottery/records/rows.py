"""The rows of results.csv, metrics.csv and layer tables, and their text form."""

import dataclasses
import functools
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from keras_lottery.errors import shortened
from keras_lottery.types import FINISHED, STATUSES, Training

KEY = tuple(field.name for field in dataclasses.fields(Training))
"""The columns that identify a training, first in every table."""

CONSTANT_OUTPUT = "constant_output"
"""Metric that is 1 if a network's output is the same for every test example, else absent."""

Row = TypeVar("Row", bound="TableRow")


@functools.cache
def _kinds(cls: type) -> dict[str, type]:
    return get_type_hints(cls)


class TableRow:
    """A row of a table: a dataclass of numbers and texts; its columns are its fields."""

    def texts(self) -> list[str]:
        """Returns the row's cells; `parse` turns them back into an equal row.

        Floats are written with `repr`, the shortest text that reads back as the same float.
        """
        return [_text(getattr(self, name), kind) for name, kind in self.kinds().items()]

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Returns the names of the columns in their order."""
        return tuple(cls.kinds())

    @classmethod
    def added(cls) -> tuple[str, ...]:
        """Returns the columns with a default, which the files of older versions lack."""
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        return tuple(f.name for f in fields if f.default is not dataclasses.MISSING)

    @classmethod
    def kinds(cls) -> dict[str, type]:
        """Returns the type of every column."""
        return _kinds(cls)  # type: ignore[arg-type]

    @classmethod
    def parse(cls: type[Row], texts: Mapping[str, str]) -> Row:
        """Returns the row of `{column: text}`; an added column may be missing.

        Raises:
            ValueError: a cell doesn't have its column's type.
        """
        kinds = cls.kinds()
        names = [name for name in kinds if name in texts or name not in cls.added()]
        return cls(**{name: _parsed(texts[name], kinds[name]) for name in names})

    def problem(self) -> str:
        """Returns an inconsistency of the row, as `expected …, not …`; empty if there is none."""
        return ""


@dataclass(frozen=True)
class KeyedRow(TableRow):
    """A row that belongs to one training."""

    source: str
    task: str
    seed: int
    round: int
    arm: str
    draw: int

    @property
    def training(self) -> Training:
        """The training that this row belongs to."""
        return Training(*(getattr(self, name) for name in KEY))


@dataclass(frozen=True)
class ResultRow(KeyedRow):
    """One training that has ended.

    A skipped training has no network: its row keeps all weights, and its values are NaN.

    Args:
        source: experiment that the ticket was transferred from; empty for the run's own.
        sparsity: fraction of the prunable weights removed, in [0, 1].
        kept: prunable weights kept.
        prunable: number of prunable weights.
        total: all weights, without non-trainable states such as moving means.
        flops: FLOPs of one example's forward pass; pruned weights cost nothing.
        steps: optimizer steps done.
        seconds: wall time of the training, without compilation.
        compile_seconds: wall time of compilation.
        metric: name of the headline metric.
        value: the metric as the config measures it, `final_value` or `best_value`.
        final_value: the metric at the end.
        best_value: the metric at the minimum of the validation loss.
        best_step: step of that minimum.
        status: `finished`; `diverged` if a weight, the loss or the metric is not finite;
            `skipped` if the training descends from a diverged one.
    """

    sparsity: float
    kept: int
    prunable: int
    total: int
    flops: int
    steps: int
    seconds: float
    compile_seconds: float
    metric: str
    value: float
    final_value: float
    best_value: float
    best_step: int
    status: str = FINISHED

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"status must be one of {', '.join(STATUSES)}, not {self.status!r}")

    @property
    def finished(self) -> bool:
        """True if the training ended without diverging."""
        return self.status == FINISHED

    @property
    def remaining(self) -> float:
        """Fraction of the prunable weights that is kept, in [0, 1]."""
        return self.kept / self.prunable if self.prunable else 1.0

    def problem(self) -> str:
        for name in ("seed", "round", "draw", "kept", "flops", "steps", "best_step"):
            if getattr(self, name) < 0:
                return f"expected {name} >= 0, not {getattr(self, name)}"
        for name in ("seconds", "compile_seconds"):
            if not 0 <= getattr(self, name) < math.inf:
                return f"expected {name} >= 0 and finite, not {getattr(self, name)}"
        if not self.kept <= self.prunable <= self.total:
            counts = f"{self.kept}, {self.prunable} and {self.total}"
            return f"expected kept ≤ prunable ≤ total, not {counts}"
        # Hand-edited rows round it.
        if not abs(self.sparsity - (1 - self.remaining)) <= _ROUNDED:
            return f"expected a sparsity of {1 - self.remaining:g}, not {self.sparsity}"
        return self._problem_of_values() if self.finished else ""

    def _problem_of_values(self) -> str:
        values = (self.value, self.final_value, self.best_value)
        if not all(map(math.isfinite, values)):
            return f"expected finite values of a finished training, not {values}"
        if self.value not in values[1:]:
            return f"expected a value that is the final or the best one, not {self.value}"
        return ""


COLUMNS = ResultRow.columns()
"""The columns of results.csv in their order."""


@dataclass(frozen=True)
class MetricRow(KeyedRow):
    """One further metric of one finished training."""

    name: str
    value: float

    @classmethod
    def of(cls, training: Training, name: str, value: float) -> "MetricRow":
        """Returns the row of `training`'s metric `name`."""
        return cls(**dataclasses.asdict(training), name=name, value=float(value))


@dataclass(frozen=True)
class CompactedRow(KeyedRow):
    """The compacted network of one ticket, next to the dense network: a row of compacted.csv.

    Args:
        parameters: number of parameters; the next fields without `dense_` are of the compacted
            network too.
        dense_parameters: number of parameters of the dense network.
        bytes: size of the parameters.
        dense_bytes: the same of the dense network.
        flops: FLOPs of one example's forward pass, as `compaction_report` counts them.
        dense_flops: the same of the dense network.
        seconds_1: median time of a forward pass of one example.
        dense_seconds_1: the same of the dense network, measured alternately.
        seconds_32: median time of a forward pass of 32 examples.
        dense_seconds_32: the same of the dense network, measured alternately.
    """

    parameters: int
    dense_parameters: int
    bytes: int
    dense_bytes: int
    flops: int
    dense_flops: int
    seconds_1: float
    dense_seconds_1: float
    seconds_32: float
    dense_seconds_32: float

    def problem(self) -> str:
        names = [name for name in self.columns() if name not in KEY]
        wrong = next((name for name in names if not 0 < getattr(self, name) < math.inf), "")
        return f"expected {wrong} above 0, not {getattr(self, wrong)}" if wrong else ""


@dataclass(frozen=True)
class LayerRow(TableRow):
    """One masked variable of one training: a row of `<arm>.layers.csv`.

    Args:
        connected_inputs: inputs of the layer on a path from an input of the network to an output
            through kept weights; None unless the network is a chain of dense layers.
        connected_units: likewise, units of the layer.
    """

    path: str
    kept: int
    size: int
    density: float
    connected_inputs: int | None = None
    connected_units: int | None = None

    def problem(self) -> str:
        if not 0 <= self.kept <= self.size:
            return f"expected kept from 0 to size, not {self.kept} of {self.size}"
        density = self.kept / self.size if self.size else 1.0
        if not abs(self.density - density) <= _ROUNDED:
            return f"expected a density of {density:g}, not {self.density}"
        if min(self.connected_inputs or 0, self.connected_units or 0) < 0:
            return "expected connected inputs and units of at least 0"
        return ""


_ROUNDED = 1e-3
_OPTIONAL = int | None
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_FLOAT = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]{1,3})?|-?inf|nan", re.IGNORECASE)
_INFINITE = ("inf", "-inf")


def _parsed(text: str, kind: type) -> Any:
    """Returns a cell's value; a number must be one that `_text` could have written."""
    if kind == _OPTIONAL:
        return _parsed(text, int) if text else None
    if kind is int and not _INTEGER.fullmatch(text):
        raise ValueError(f"expected a whole number of up to 18 digits, not {shortened(text)}")
    if kind is float and not _FLOAT.fullmatch(text):
        raise ValueError(f"expected a number, not {shortened(text)}")
    value = kind(text)
    if kind is float and math.isinf(value) and text not in _INFINITE:
        raise ValueError(f"expected a number of 64 bits, not {shortened(text)}")
    return value


def _text(value: Any, kind: type) -> str:
    """Returns a cell's text; NumPy scalars become Python's first, as their repr isn't a number."""
    if kind == _OPTIONAL:
        return "" if value is None else repr(int(value))
    return repr(kind(value)) if kind in (int, float) else str(value)


def series(row: ResultRow | Training) -> str:
    """Returns the name of a row's line: its arm, and the source of a transferred ticket."""
    return f"{row.arm} from {row.source}" if row.source else row.arm
