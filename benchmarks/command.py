"""What every benchmark's command line shares."""

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.compare import PAIRS
from benchmarks.table import Row, Section, draw, machine

QUICK_PAIRS = 2


@dataclass(frozen=True)
class Options:
    """How a benchmark is run.

    Args:
        pairs: timings of each candidate.
        quick: tiny sizes: shows that it runs, measures nothing.
    """

    pairs: int = PAIRS
    quick: bool = False


@dataclass(frozen=True)
class Measured:
    """What a benchmark returns: its rows, and lines of text below them."""

    rows: list[Row]
    notes: list[str]


def main(
    name: str,
    about: str,
    measure: Callable[[Options], Measured],
    *,
    keras: bool,
    pairs: int = PAIRS,
) -> None:
    """Runs a benchmark as a command, prints its table, and writes it where `--json` says.

    Args:
        name: of the benchmark.
        about: one sentence on what is compared.
        measure: does the work.
        keras: whether a Keras backend does the work, else NumPy.
        pairs: where the command line does not say.
    """
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--pairs", type=int, default=pairs, help="timings of each candidate")
    parser.add_argument("--quick", action="store_true", help="tiny sizes; measures nothing")
    parser.add_argument("--json", type=Path, help="file for the section of the results table")
    given = parser.parse_args()
    options = Options(QUICK_PAIRS if given.quick else given.pairs, given.quick)
    backend = backend_name() if keras else "numpy"
    facts = machine("numpy", *(("keras", backend) if keras else ()))
    measured = measure(options)
    section = Section(name, backend, about, measured.rows, measured.notes, facts)
    print(draw([section]))
    if given.json:
        given.json.write_text(json.dumps(asdict(section)))


def backend_name() -> str:
    """Returns the Keras backend in use."""
    from keras_lottery import backend

    return backend.name()
