"""Copies tickets of runs into the package, for `kl.Ticket.from_preset`.

    python -m benchmarks.preset_tickets --runs=FOLDER [--runs=FOLDER]

The folders have the runs of `SOURCES`, by name. The provenance records the config, the value, and
the paired difference from dense over the run's seeds; a test retrains the tickets.
"""

import argparse
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_lottery.records import ResultRow, read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.statistics import paired
from keras_lottery.tickets import Ticket

FOLDER = Path(__file__).resolve().parents[1] / "keras_lottery/presets_tickets"
DENSE = "dense"


@dataclass(frozen=True)
class Source:
    """A ticket of a run.

    Args:
        run: name of the run, which its folder's name starts with.
        config: name of the config that was run.
        round: round of the ticket.
        says: what it is, in a few words.
        paper: arXiv number or title of the paper whose method it is.
        arm: arm of the ticket.
    """

    run: str
    config: str
    round: int
    says: str
    paper: str
    arm: str = "winning"


_DIGITS, _MNIST = "LeNet-300-100 on the digits", "LeNet-300-100 on MNIST"
_FC, _RENDA = "Frankle & Carbin 2019 (1803.03635)", "Renda et al. 2020 (2003.02389)"
_LATE = "Frankle et al. 2019 (1903.01611)"
_QUICK, _REWINDING = (
    ("quickstart", "quickstart"),
    ("rewinding_digits", "renda2020/rewinding:digits"),
)
_FULL = ("lenet_mnist_10k", "frankle2019/lenet_mnist")
SOURCES = {
    "lenet_digits": Source(*_QUICK, 6, f"{_DIGITS}, pruned iteratively", _FC),
    "lenet_digits_sparse": Source(*_QUICK, 8, f"{_DIGITS}, pruned iteratively to 2.8 %", _FC),
    "lenet_digits_one_shot": Source(*_QUICK, 5, f"{_DIGITS}, pruned once", _FC, "one_shot"),
    "lenet_digits_snip": Source(
        *_QUICK, 3, f"{_DIGITS}, SNIP at initialization", "Lee et al. 2019 (1810.02340)",
        "init_snip",
    ),
    "lenet_digits_synflow": Source(
        *_QUICK, 3, f"{_DIGITS}, SynFlow at initialization", "Tanaka et al. 2020 (2006.05467)",
        "init_synflow",
    ),
    "lenet_digits_late_rewinding": Source(
        *_REWINDING, 7, f"{_DIGITS}, rewound to step 100", _LATE
    ),
    "lenet_digits_learning_rate_rewinding": Source(
        *_REWINDING, 7, f"{_DIGITS}, trained weights kept", _RENDA, "learning_rate_rewind"
    ),
    "small_cnn_digits_channels": Source(
        "channels", "channels", 3, "Small CNN on the digits, half of the channels", _FC
    ),
    "lenet_mnist": Source(*_FULL, 12, f"{_MNIST}, pruned iteratively", _FC),
    "lenet_mnist_sparse": Source(*_FULL, 15, f"{_MNIST}, pruned iteratively to 3.6 %", _FC),
}  # fmt: skip


def facts(rows: list[ResultRow], source: Source, seed: int) -> tuple[ResultRow, dict[str, Any]]:
    """Returns the row of a ticket, and what its provenance says about its value."""
    by_key = {(row.seed, row.round, row.arm): row for row in rows}
    row, dense = by_key[seed, source.round, source.arm], by_key[seed, 0, DENSE]
    pair = paired(rows, source.arm, DENSE, {source.round})
    numbers = (pair.mean, pair.low, pair.high) if pair else ()
    known = {
        "says": source.says,
        "paper": source.paper,
        "config": source.config,
        "steps": row.steps,
        "value": row.value,
        "dense": dense.value,
        "remaining": row.remaining,
        "seeds": pair.n if pair else 0,
        "difference": [None if math.isnan(number) else round(number, 6) for number in numbers],
    }
    return row, known


def main() -> None:
    """Copies the tickets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, action="append", required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    folders = [path for runs in options.runs for path in runs.iterdir()]
    for name, source in SOURCES.items():
        (folder,) = [path for path in folders if path.name.rpartition("-")[0] == source.run]
        paths = RunPaths(folder)
        row, known = facts(read_results(paths.results), source, options.seed)
        ticket = Ticket.load(paths.ticket(row.training))
        kept = {k: v for k, v in ticket.provenance.items() if k != "run"}
        path = FOLDER / f"{name}.ticket.safetensors"
        Ticket(ticket.masks, ticket.start, ticket.fills, kept | known).save(path)
        print(f"{path.name}: {row.remaining:.2%} remaining, {row.metric} {row.value:.4f}, {known}")


if __name__ == "__main__":
    main()
