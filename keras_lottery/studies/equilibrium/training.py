"""One training of the study, epoch by epoch."""

import math
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

import keras

from keras_lottery.studies.equilibrium.options import EquilibriumConfig, EquilibriumOptions
from keras_lottery.studies.equilibrium.rows import CountRow, EpochRow, TrainingRow
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.toolkit.callbacks import NeuronEquilibrium, RandomFreezing
from keras_lottery.toolkit.callbacks.neuron_equilibrium import NeuronFreezing
from keras_lottery.training import DataOrder
from keras_lottery.training.data import EpochData
from keras_lottery.training.fit import prepare
from keras_lottery.training.loop import Evaluation, results, train_steps
from keras_lottery.training.neurons import forward_flops
from keras_lottery.training.optimizers import build_optimizer
from keras_lottery.types import DIVERGED, FINISHED, SKIPPED


@dataclass(frozen=True)
class Trained:
    """The rows of a training that has ended."""

    row: TrainingRow
    epochs: list[EpochRow]
    counts: list[CountRow]


def train(
    config: EquilibriumConfig,
    task: VisionTask,
    seed: int,
    arm: str,
    counts: Sequence[Mapping[str, int]],
) -> Trained:
    """Trains one network.

    Args:
        config: config of the study.
        task: its task.
        seed: seed of the start weights and the data order, the same for every arm.
        arm: `full`, `equilibrium` or `random`.
        counts: neurons that `equilibrium` froze with this seed, for `random`.
    """
    images, arrays = task.images, task.arrays()
    validation = images.validation or images.test
    held_out = validation.x[: config.options.examples]
    order = DataOrder(
        len(images.train), config.train.batch_size, seed, drop_remainder=config.train.drop_remainder
    )
    per_epoch, total = order.steps_per_epoch, task.steps(config.train.length)
    model = task.export_model(task.start_weights(seed))
    model.compile(
        build_optimizer(config.optimizer, per_epoch, total),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    program = prepare(model, *arrays.train)
    data = EpochData(program, arrays)
    validate = Evaluation(program, (validation.x, validation.y), len(validation))
    full = 2.0 * forward_flops(model, held_out)
    callback = _callback(arm, config.options, held_out, counts, seed)
    if callback:
        callback.set_model(model)
        callback.on_train_begin()
    epochs: list[EpochRow] = []
    seconds: list[float] = []
    choosing = 0.0
    for epoch in range(-(-total // per_epoch)):
        steps = range(epoch * per_epoch, min(total, (epoch + 1) * per_epoch))
        if callback:
            callback.on_epoch_begin(epoch)
        began = time.perf_counter()
        for _ in train_steps(program, data, order, steps):
            pass
        logs = results(model)  # waits for the last step
        seconds.append(time.perf_counter() - began)
        measured = {"frozen": 0.0, "backprop_flops": full, "similarity": float("nan")} | logs
        if callback:
            callback.on_epoch_end(epoch, measured)
            choosing += time.perf_counter() - began - seconds[-1]
        validated = validate(model)
        epochs.append(
            EpochRow(
                seed,
                arm,
                epoch + 1,
                measured["frozen"],
                measured["backprop_flops"],
                measured["similarity"],
                logs["loss"],
                validated["accuracy"],
            )
        )
    if callback:
        callback.on_train_end()
    test = Evaluation(program, arrays.test, len(images.test))(model)
    flops = fmean(row.backprop_flops for row in epochs)
    losses = {"training": logs["loss"], "validation": validated["loss"], "test": test["loss"]}
    row = TrainingRow(seed, arm, test["accuracy"], test["loss"], flops, full, sum(seconds),
                      median(seconds), choosing, _status(seed, arm, losses))  # fmt: skip
    return Trained(row, epochs, _count_rows(seed, callback))


def skipped(seed: int, arm: str) -> Trained:
    """Returns the rows of a `random` training whose `equilibrium` training diverged."""
    nan = float("nan")
    row = TrainingRow(seed, arm, nan, nan, nan, nan, 0.0, 0.0, 0.0, SKIPPED)
    return Trained(row, [], [])


def _status(seed: int, arm: str, losses: Mapping[str, float]) -> str:
    """Returns the status of a training; warns if it diverged."""
    wrong = [name for name, loss in losses.items() if not math.isfinite(loss)]
    if not wrong:
        return FINISHED
    warnings.warn(
        f"Seed {seed}, {arm} diverged: its last {wrong[0]} loss is not finite. Others continue.",
        stacklevel=3,
    )
    return DIVERGED


def _callback(
    arm: str,
    options: EquilibriumOptions,
    held_out: object,
    counts: Sequence[Mapping[str, int]],
    seed: int,
) -> NeuronFreezing | None:
    if arm == "equilibrium":
        return NeuronEquilibrium(held_out, options.epsilon, options.mu, exclude=options.exclude)
    if arm == "random":
        return RandomFreezing(held_out, counts, seed, exclude=options.exclude)
    return None


def _count_rows(seed: int, callback: NeuronFreezing | None) -> list[CountRow]:
    if not isinstance(callback, NeuronEquilibrium):
        return []
    size = {layer.path: layer.count for layer in callback.neurons}
    return [
        CountRow(seed, epoch, path, frozen, size[path])
        for epoch, counts in enumerate(callback.counts, start=1)
        for path, frozen in counts.items()
    ]
