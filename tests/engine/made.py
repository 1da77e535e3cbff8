"""A run folder with synthetic results: no network is built or trained."""

from dataclasses import asdict

import numpy as np

from keras_lottery.engine.run_folder import write_config
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.engine.run_writer import RunWriter
from keras_lottery.records.run_paths import paths_of
from keras_lottery.types import Start, Training, TrainingResult, VariableInfo
from tests.engine.small import config

KERNEL = "layers/dense/kernel"


class MadeTask:
    """As much of a task as writing and reading files asks for."""

    name, metric, higher_is_better = "vision", "accuracy", True

    def variables(self):
        return [VariableInfo(KERNEL, (4, 6))]

    def flops(self, masks):
        return 48


def result(training, value=0.5):
    """Returns a training, its start and its result, with arrays that no other one has."""
    words = [training.seed, training.round, len(training.arm), training.draw]
    rng = np.random.default_rng(words)
    weights = {KERNEL: rng.normal(size=(4, 6)).astype(np.float32)}
    masks = {KERNEL: rng.random((4, 6)) < 0.5} if training.round else {}
    state = {"step": np.array([10]), "epoch": np.array([0]), f"weights/{KERNEL}": weights[KERNEL]}
    start = Start(weights, masks, step=10)
    test = {"accuracy": value}
    done = TrainingResult(weights, state, 30, 1.0, 0.0, test, test, 20, metric="accuracy")
    return training, start, done


def made(out, seeds=(0, 1), rounds=2, **fields):
    """Writes a run of the arm `winning` and returns what reads its files."""
    settings = config(out, seeds=list(seeds), prune__rounds=rounds, arms=["winning"], **fields)
    paths, task = paths_of(settings), MadeTask()
    write_config(paths, settings, task)
    written = RunWriter(settings, paths, task)
    for seed in seeds:
        for number in range(rounds + 1):
            training = of(seed, number)
            if training not in written.done():
                written.write(*result(training))
    return RunReader(settings, paths, task)


def of(seed, number):
    """Returns the dense training of a seed, or its winning ticket's of a round."""
    return Training("", "vision", seed, number, "winning" if number else "dense")


def key(training):
    """Returns a training as a file's provenance names it."""
    return asdict(training)
