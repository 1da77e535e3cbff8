"""The command line that all benchmarks share."""

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.compare import PAIRS, in_turn, ratios
from benchmarks.table import Row, Section, draw, machine

QUICK_PAIRS = 2


@dataclass(frozen=True)
class Options:
    """How a benchmark is run.

    Args:
        pairs: timings of each candidate.
        quick: tiny sizes, to check that it runs; measures nothing.
        data_dir: folder of the data sets; empty: embedded or synthetic data.
    """

    pairs: int = PAIRS
    quick: bool = False
    data_dir: str = ""


@dataclass(frozen=True)
class Measured:
    """The result of a benchmark: its rows, and lines of text below them."""

    rows: list[Row]
    notes: list[str]


def rated(
    case: str,
    candidates: Mapping[str, Callable[[], object]],
    count: int,
    unit: str,
    options: Options,
    limit: float | None = None,
) -> Row:
    """Returns the row of the first of two candidates against the second, timed alternately.

    Args:
        case: what was compared.
        candidates: calls by name.
        count: number of `unit` in each call, for the rates.
        unit: e.g. `steps`.
        options: number of pairs.
        limit: upper limit of the ratio.
    """
    this, against = candidates
    seconds = in_turn(candidates, options.pairs)
    rates = {k: f"{k}: {count / np.median(v):,.0f} {unit}/s" for k, v in seconds.items()}
    return Row.of(case, rates[this], rates[against], ratios(seconds, this, against), limit)


def main(
    name: str,
    about: str,
    measure: Callable[[Options], Measured],
    *,
    keras: bool,
    pairs: int = PAIRS,
) -> None:
    """Runs a benchmark as a command, prints its table, and writes it to `--json`.

    Args:
        name: of the benchmark.
        about: one sentence on what is compared.
        measure: runs the benchmark.
        keras: True: it runs on a Keras backend; False: on NumPy.
        pairs: default of `--pairs`.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--pairs", type=int, default=pairs, help="timings of each candidate")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; measures nothing")
    parser.add_argument("--data-dir", default="", help="folder of the data sets, where one is used")
    parser.add_argument("--json", type=Path, help="file for the section of the results table")
    flags = parser.parse_args()
    options = Options(QUICK_PAIRS if flags.quick else flags.pairs, flags.quick, flags.data_dir)
    backend = backend_name() if keras else "numpy"
    facts = machine("numpy", *(("keras", backend) if keras else ()))
    measured = measure(options)
    section = Section(name, backend, about, measured.rows, measured.notes, facts)
    print(draw([section]))
    if flags.json:
        flags.json.write_text(json.dumps(asdict(section)))


def backend_name() -> str:
    """Returns the Keras backend in use."""
    from keras_lottery import backend

    return backend.name()
