"""The table and the page of `benchmarks.calibrated`."""

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np

from keras_lottery import backend
from keras_lottery.files import write_text
from keras_lottery.records.tables import read_table, write_table
from keras_lottery.report.document import Heading, Table, Text
from keras_lottery.report.markdown import to_markdown
from keras_lottery.report.statistics import t_interval

DENSE = "dense"
RANDOM = "random, per kernel"
GLOBAL = "magnitude, global"
MAGNITUDE = "magnitude, per kernel"
BY_OUTPUT = "magnitude, per output"
WANDA = "Wanda"
WANDA_BY_LAYER = "Wanda, per kernel"
SPARSEGPT = "SparseGPT"
METHODS = (RANDOM, GLOBAL, MAGNITUDE, BY_OUTPUT, WANDA, WANDA_BY_LAYER, SPARSEGPT)

INTRODUCTION = (
    "Perplexity on the test text of networks pruned in one shot, without retraining. Only the "
    "kernels in the Transformer blocks are pruned. `python -m benchmarks.calibrated` regenerates "
    "this page."
)
NOTE = (
    "Mean over seeds and its 95 % t interval, n = {n}. `Per kernel` prunes the same fraction of "
    "each kernel, as in the papers; `global` is the default of `kl.prune`. `Magnitude, per output` "
    "is Wanda without the norms of the inputs; `Wanda, per kernel` is `scope='layer'`."
)
PAIRED = (
    "Perplexity minus that of magnitude per kernel at the same sparsity, paired by seed: mean and "
    "95 % t interval, n = {n}. Below 0 is better. The last row compares Wanda with magnitude in "
    "the same comparison groups."
)


@dataclass(frozen=True)
class Row:
    """One pruned network.

    Args:
        seed: of the network.
        method: what pruned it.
        target: fraction removed, or N:M.
        perplexity: on the test text.
    """

    seed: int
    method: str
    target: str
    perplexity: float


COLUMNS = tuple(field.name for field in fields(Row))


def read(folder: Path) -> list[Row]:
    """Returns the rows of a folder's results.csv; none if there is no such file."""
    path = folder / "results.csv"
    if not path.is_file():
        return []
    return [
        Row(int(row["seed"]), row["method"], row["target"], float(row["perplexity"]))
        for row in read_table(path, COLUMNS)
    ]


def write(folder: Path, rows: Sequence[Row], about: str) -> Path:
    """Writes results.csv and page.md."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = sorted(rows, key=lambda row: row.seed)
    write_table(folder / "results.csv", COLUMNS, [list(map(str, astuple(row))) for row in rows])
    page = folder / "page.md"
    write_text(page, to_markdown(content(rows, about)))
    return page


def content(rows: Sequence[Row], about: str) -> list[Heading | Text | Table]:
    """Returns the blocks of the page."""
    targets = [t for t in ("0.5", "0.6", "2:4") if any(row.target == t for row in rows)]
    n = len({row.seed for row in rows})
    dense = _values(rows, DENSE, "0")
    means = [[DENSE, *[_interval(dense)] * len(targets)]]
    means += [[m, *(_interval(_values(rows, m, t)) for t in targets)] for m in METHODS]
    paired = [
        [m, *(_interval(_paired(rows, m, t)) for t in targets)] for m in METHODS if m != MAGNITUDE
    ]
    same = [_interval(_paired(rows, WANDA, t, BY_OUTPUT)) for t in targets]
    paired.append([f"{WANDA} − {BY_OUTPUT}", *same])
    header = ["method", *targets]
    versions = ", ".join(f"{name} {text}" for name, text in sorted(backend.versions().items()))
    return [
        Heading("Pruning a language model with calibration data", 1),
        Text(INTRODUCTION),
        Text(about),
        Table("Perplexity", header, means, NOTE.format(n=n)),
        Table("Against magnitude", header, paired, PAIRED.format(n=n)),
        Text(f"Backend {backend.name()}; {versions}."),
    ]


def _values(rows: Sequence[Row], method: str, target: str) -> dict[int, float]:
    """Returns perplexities by seed; empty where nothing was measured."""
    return {
        row.seed: row.perplexity for row in rows if (row.method, row.target) == (method, target)
    }


def _paired(
    rows: Sequence[Row], method: str, target: str, against: str = MAGNITUDE
) -> dict[int, float]:
    """Returns what a method's perplexities exceed those of `against` by, by seed."""
    reference = _values(rows, against, target)
    return {seed: value - reference[seed] for seed, value in _values(rows, method, target).items()}


def _interval(by_seed: Mapping[int, float]) -> str:
    if not by_seed:
        return "–"
    values = np.array(list(by_seed.values()))
    low, high = t_interval(values)
    return f"{values.mean():.2f} [{low:.2f}, {high:.2f}]"
