"""The overhead of a quickstart training beyond its steps, and compared with cloning and compiling.

KERAS_BACKEND=jax python -m benchmarks.round_cost [--pairs 11]
"""

import importlib
import tempfile
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

import keras_lottery as kl
from benchmarks import made
from benchmarks.clock import Clock
from benchmarks.command import Measured, Options, main
from benchmarks.compare import Sample, in_turn, ratios
from benchmarks.table import Row
from keras_lottery import backend, engine, masking
from keras_lottery.config import Config, OptimizerConfig, TrainConfig, freeze, presets
from keras_lottery.engine import driver, run_folder
from keras_lottery.engine.progress import NoProgress
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.engine.run_writer import RunWriter
from keras_lottery.masking import paths as structural
from keras_lottery.records.run_paths import paths_of
from keras_lottery.tasks import make_task
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.training import ArrayData, Trainer, checkpoint, loop, programs, trainer
from keras_lottery.types import Start, Training, TrainingResult

ABOUT = (
    "Everything in a quickstart training except its steps, against those steps; and resetting a "
    "model by assignment against cloning and compiling it."
)
STEPS = "steps"


def measure(options: Options) -> Measured:
    """Returns the rows of both comparisons and where the time of a training goes."""
    trainings = quickstart(options)
    steps = np.array([training[STEPS] for training in trainings])
    rest = np.array([sum(training.values()) - training[STEPS] for training in trainings])
    length = "100" if options.quick else "1,000"
    row = Row.of(
        f"quickstart, one training of {length} steps",
        f"all else: {np.median(rest):.3f} s",
        f"steps: {np.median(steps):.3f} s",
        Sample(rest / steps),
    )
    return Measured([row, _against_clone(options)], _breakdown(trainings))


def quickstart(options: Options) -> list[dict[str, float]]:
    """Returns the seconds by name of each training after the first, which compiles."""
    arms = ("winning", "reinit", "permuted_layer")
    overrides: dict[str, Any] = {"seeds": (0,), "arms": arms}
    overrides["prune.rounds"] = -(-options.pairs // len(arms))
    if options.quick:
        overrides |= {"train.length": "100it", "model.hidden": (20,)}
    clock = Clock()
    reached: list[dict[str, float]] = []
    write = RunWriter.write

    def write_and_look(
        writer: RunWriter, training: Training, start: Start, result: TrainingResult
    ) -> None:
        with clock.timed("writing files"):
            write(writer, training, start, result)
        reached.append(dict(clock.seconds))

    with tempfile.TemporaryDirectory() as out:
        config = freeze(presets.load("quickstart", overrides | {"out": out}))
        with clock.watching(_places()):
            try:
                RunWriter.write = write_and_look  # type: ignore[assignment, method-assign]
                _run(config)
            finally:
                RunWriter.write = write  # type: ignore[method-assign]
    return [_difference(now, before) for before, now in pairwise(reached)]


def _run(config: Config) -> None:
    """Runs an experiment as the command line does."""
    paths = paths_of(config)
    with run_folder.held(paths):
        engine.train_all(config, paths, make_task(config))


def _places() -> dict[str, list[tuple[Any, str]]]:
    """Returns the functions timed under each name; nested names are not counted twice."""
    module = importlib.import_module(f"{programs.__name__}.{backend.name()}")
    names = {"jax": "JaxProgram", "tensorflow": "TensorFlowProgram", "torch": "TorchProgram"}
    return {
        STEPS: [(getattr(module, names[backend.name()]), "train")],
        "evaluating": [(loop.Evaluation, "__call__"), (loop, "results"), (trainer, "results")],
        "restoring weights, masks and slots": [(trainer, "restore_start")],
        "finding structural paths": [(structural, "variables"), (masking, "variables")],
        "copying weights and state": [(masking, "get_weights"), (checkpoint, "capture")],
        "pruning": [(RunReader, "prune_round")],
        "drawing fresh weights": [(VisionTask, "fresh_weights")],
        "reading files": [(RunReader, n) for n in ("start_of", "trained", "rewind_state")],
        "counting FLOPs": [(VisionTask, "flops")],
        "planning": [(driver, "ready"), (RunWriter, "done")],
    }


def _difference(now: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: now[name] - before.get(name, 0.0) for name in now}


def _breakdown(trainings: list[dict[str, float]]) -> list[str]:
    """Returns a table of the mean seconds by name, largest first."""
    means = {
        n: float(np.mean([training.get(n, 0.0) for training in trainings])) for n in trainings[-1]
    }
    ordered = sorted(means.items(), key=lambda item: -item[1])
    lines = ["Means over the trainings of the quickstart:", "", "| | seconds |", "| --- | --- |"]
    return lines + [f"| {name or 'anything else'} | {value:.4f} |" for name, value in ordered]


def _against_clone(options: Options) -> Row:
    """Compares starting another training in the same trainer with a new model and trainer."""
    case = made.lenet(2)
    data = case.data(2)
    kept = _trainer(case, data)
    start = Start(masking.get_weights(kept.model), masking.get_masks(kept.model))

    def train(trainer: Trainer) -> None:
        trainer.fit(start, capture_at=None, data_seed=0, progress=NoProgress())

    candidates: dict[str, Callable[[], object]] = {
        "assign": lambda: train(kept),
        "clone": lambda: train(_trainer(case, data)),
    }
    seconds = in_turn(candidates, options.pairs)
    medians = {name: float(np.median(values)) for name, values in seconds.items()}
    return Row.of(
        "LeNet-300-100, a training of one step",
        f"reset by assignment: {medians['assign']:.3f} s",
        f"cloned, masked, compiled: {medians['clone']:.3f} s",
        ratios(seconds, "assign", "clone"),
        1.0,
    )


def _trainer(case: made.Case, data: Any) -> Trainer:
    """Returns a trainer of a new model for one step and one evaluation."""
    return Trainer(
        kl.mask(case.build()),
        OptimizerConfig(),
        TrainConfig(length="1it", batch_size=case.batch, eval_every=1),
        ArrayData(data, None, data),
        loss=made.loss(),
        metrics=["accuracy"],
    )


if __name__ == "__main__":
    if backend.name() == "jax":
        import jax

        # Calls return when they are done, so that the steps' time isn't counted elsewhere.
        jax.config.update("jax_cpu_enable_async_dispatch", False)
    main("round_cost", ABOUT, measure, keras=True)
