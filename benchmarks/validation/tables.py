"""The tables behind the page and figures of docs/results/validation/."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from benchmarks.presets_table import vision_task
from benchmarks.validation import losses, magnitude, seeds
from benchmarks.validation.magnitude import Compared
from benchmarks.validation.seeds import Connected, Shared
from keras_lottery import backend
from keras_lottery.config import freeze, presets
from keras_lottery.files import write_text, write_whole
from keras_lottery.records import ResultRow, read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.records.tables import read_table, write_table
from keras_lottery.types import Weights

Row = TypeVar("Row", Compared, Shared, Connected)
NETS = ("frankle2019/lenet_mnist", "frankle2019/conv:2", "frankle2019/deep:resnet20")
SPARSITIES = (0.2, 0.5, 0.9, 0.99)


@dataclasses.dataclass(frozen=True)
class Tables:
    """All measurements of the page.

    Args:
        cuts: masks compared with torch's.
        floored: the same networks with the default `min_per_layer`.
        losses: rows as `losses.compare` returns them.
        seeds: trainings of the run, in the form of results.csv.
        shared: overlap between seeds.
        connected: fraction of kept weights on a path from input to output.
        facts: versions, backend, settings.
    """

    cuts: list[Compared]
    floored: list[Compared]
    losses: list[dict[str, Any]]
    seeds: list[ResultRow]
    shared: list[Shared]
    connected: list[Connected]
    facts: dict[str, Any]


def measure_cuts(folder: Path) -> None:
    """Writes the masks of freshly drawn and of rounded weights, with and without a floor."""
    cuts, floored = [], []
    for preset in NETS:
        weights = _freshly_drawn(preset)
        name = preset.rpartition("/")[2]
        cuts += list(magnitude.iterated(name, weights, SPARSITIES))
        floored += list(magnitude.iterated(name, weights, SPARSITIES, floor=1))
        if preset == NETS[0]:
            ties = magnitude.rounded(weights, 2)
            cuts += list(magnitude.iterated(f"{name}, rounded to 0.01", ties, SPARSITIES))
    _write(folder / "cuts.csv", cuts)
    _write(folder / "floored.csv", floored)


def _freshly_drawn(preset: str) -> Weights:
    """Returns the prunable weights of a preset's network; its data is not needed."""
    task = vision_task(freeze(presets.load(preset).to_dict()))
    weights = task.start_weights(0)
    return {info.path: weights[info.path] for info in task.variables() if info.prunable}


def measure_losses(folder: Path) -> None:
    """Writes the losses of the plain loop and of every backend that is installed."""
    rows = losses.compare(losses.backends())
    columns = list(rows[0])
    write_table(folder / "losses.csv", columns, [[str(row[c]) for c in columns] for row in rows])


def measure_seeds(folder: Path, out: Path) -> None:
    """Writes the overlap of masks of different seeds, and how well they transfer."""
    paths = seeds.run(out, backend.name())
    data = paths.results.read_bytes()
    write_whole(folder / "seeds.csv", lambda to: to.write_bytes(data))
    rounds = sorted({row.round for row in read_results(paths.results)} - {0})
    _write(folder / "shared.csv", seeds.shared(paths, rounds))
    _write(folder / "connected.csv", seeds.connected(paths, backend.name()))
    _write(folder / "chain.csv", seeds.chain_against_torch(paths, rounds))
    _write_facts(folder, paths)


def _write_facts(folder: Path, paths: RunPaths) -> None:
    pixels = seeds.inputs_in_use(paths, backend.name())
    facts = {
        "backend of the runs on the digits": backend.name(),
        "pixels": len(pixels),
        "pixels in use": int(pixels.sum()),
        "versions": backend.versions() | {k: version(k) for k in ("tensorflow", "jax", "torch")},
    }
    write_text(folder / "facts.json", json.dumps(facts, indent=2, sort_keys=True) + "\n")


def read(folder: Path) -> Tables:
    """Returns the tables in `folder`."""
    return Tables(
        _read(folder / "cuts.csv", Compared) + _read(folder / "chain.csv", Compared),
        _read(folder / "floored.csv", Compared),
        [_numbers(row) for row in read_table(folder / "losses.csv")],
        read_results(folder / "seeds.csv"),
        _read(folder / "shared.csv", Shared),
        _read(folder / "connected.csv", Connected),
        json.loads((folder / "facts.json").read_text()),
    )


def _numbers(row: Mapping[str, str]) -> dict[str, Any]:
    words = ("optimizer", "masks")
    return {k: v if k in words else float(v) for k, v in row.items()}


def _write(path: Path, rows: Iterable[Any]) -> None:
    rows = [dataclasses.asdict(row) for row in rows]
    columns = list(rows[0])
    write_table(path, columns, [[str(row[c]) for c in columns] for row in rows])


def _read(path: Path, kind: type[Row]) -> list[Row]:
    kinds = get_type_hints(kind)

    def value(column: str, text: str) -> Any:
        return text == "True" if kinds[column] is bool else kinds[column](text)

    return [kind(**{k: value(k, text) for k, text in row.items()}) for row in read_table(path)]
