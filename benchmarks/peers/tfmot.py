"""Trains one network with TensorFlow Model Optimization and with keras_lottery, on the same data.

    python -m venv tfmot
    tfmot/bin/pip install tensorflow-model-optimization tf-keras tensorflow
    KERAS_BACKEND=tensorflow python -m benchmarks.peers.tfmot --python=tfmot/bin/python \
        [--data-dir=DATA] [--seeds=0,1,2] [--write]

Both start from the same weights, prune gradually to 90 % on the same schedule, and train with the
same optimizer and batch size in `fit`. Each training runs in a separate process; the packages
take turns. --data-dir is a prepared folder of tensorflow-datasets with mnist; without it, the
digits of scikit-learn. --write puts the table into docs/from_tfmot.md.

This file also runs under TFMOT's Python, which has neither Keras 3 nor this package, so it imports
them in functions.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

SPARSITY = 0.9
UNITS = (300, 100, 10)
BATCH, EPOCHS, FREQUENCY, TRAIN_SIZE = 64, 4, 20, 8192
KINDS = ("dense", "ours, global", "ours, per layer", "TFMOT")
COLUMNS = ("kernel_sparsity", "short_of_target", "accuracy", "step_milliseconds", "gzipped_bytes")
_PAGE = Path(__file__).resolve().parents[2] / "docs" / "from_tfmot.md"
_START, _END = "<!-- comparison -->", "<!-- end of the comparison -->"


def work(kind: str, data: Path) -> dict[str, float]:
    """Trains and measures one network.

    Args:
        kind: one of `KINDS`.
        data: an .npz file with images, labels and initial weights.

    Returns:
        The value of each of `COLUMNS`.
    """
    keras, callbacks, wrap, strip = _tfmot() if kind == "TFMOT" else _ours(kind)
    with np.load(data) as arrays:
        x, y, x_test, y_test = (arrays[name] for name in ("x", "y", "x_test", "y_test"))
        initial = [arrays[f"weight_{index}"] for index in range(2 * len(UNITS))]
        keras.utils.set_random_seed(int(arrays["seed"]))
    steps = EPOCHS * -(-len(x) // BATCH)
    model = keras.Sequential(
        [
            keras.layers.InputLayer(x.shape[1:]),
            *(keras.layers.Dense(units, "relu") for units in UNITS[:-1]),
            keras.layers.Dense(UNITS[-1]),
        ]
    )
    model.set_weights(initial)
    model = wrap(model, steps // 2)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    clock = _clock(keras)
    used = [*callbacks(steps // 2), clock]
    model.fit(x, y, batch_size=BATCH, epochs=EPOCHS, callbacks=used, verbose=0)
    plain = strip(model)
    weights = [np.asarray(value) for value in plain.get_weights()]
    labels = plain.predict(x_test, verbose=0).argmax(-1)
    kernels = [value for value in weights if value.ndim == 2]
    size = sum(value.size for value in kernels)
    zeros = size - sum(int(np.count_nonzero(value)) for value in kernels)
    return {
        "kernel_sparsity": zeros / size,
        "short_of_target": 0 if kind == "dense" else int(SPARSITY * size) - zeros,
        "accuracy": float(np.mean(labels == y_test)),
        "step_milliseconds": 1e3 * float(np.median(clock.seconds)),
        "gzipped_bytes": len(gzip.compress(b"".join(value.tobytes() for value in weights), 6)),
    }


def _ours(kind: str) -> tuple[Any, Any, Any, Any]:
    """Returns Keras, and what makes callbacks, wraps and strips the model."""
    import keras

    import keras_lottery as kl

    def callbacks(end_step: int) -> list[Any]:
        if kind == "dense":
            return []
        scope = "global" if kind == "ours, global" else "layer"
        return [
            kl.callbacks.GradualPruning(
                final_sparsity=SPARSITY, end_step=end_step, frequency=FREQUENCY, scope=scope
            )
        ]

    strip = kl.strip if kind != "dense" else (lambda model: model)
    return keras, callbacks, lambda model, _: model, strip


def _tfmot() -> tuple[Any, Any, Any, Any]:
    """Returns Keras 2, and what makes callbacks, wraps and strips the model."""
    import tensorflow_model_optimization as tfmot
    import tf_keras

    sparsity = tfmot.sparsity.keras

    def wrap(model: Any, end_step: int) -> Any:
        schedule = sparsity.PolynomialDecay(
            initial_sparsity=0.0,
            final_sparsity=SPARSITY,
            begin_step=0,
            end_step=end_step,
            frequency=FREQUENCY,
        )
        return sparsity.prune_low_magnitude(model, pruning_schedule=schedule)

    return tf_keras, lambda _: [sparsity.UpdatePruningStep()], wrap, sparsity.strip_pruning


def _clock(keras: Any) -> Any:
    """Returns a callback that keeps the seconds of every step after the first epoch."""

    class Clock(keras.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seconds: list[float] = []
            self.epoch, self.since = 0, 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.epoch, self.since = epoch, 0.0

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            # From one start to the next, so that callbacks count.
            now = time.perf_counter()
            if self.epoch and self.since:
                self.seconds.append(now - self.since)
            self.since = now

    return Clock()


def write_data(path: Path, seed: int, data_dir: str) -> None:
    """Writes images, labels and initial weights."""
    from keras_lottery.tasks.vision.config import VisionData
    from keras_lottery.tasks.vision.data import load

    data = VisionData(validation_size=0)
    if data_dir:
        data = replace(data, name="mnist", dir=data_dir, train_size=TRAIN_SIZE)
    images = load(data)
    rng = np.random.default_rng(seed)
    values: dict[str, np.ndarray] = {}
    widths = [int(np.prod(images.train.x.shape[1:])), *UNITS]
    for index, (rows, columns) in enumerate(pairwise(widths)):
        limit = np.sqrt(6 / (rows + columns))  # Glorot and Bengio 2010
        kernel = rng.uniform(-limit, limit, (rows, columns))
        values[f"weight_{2 * index}"] = kernel.astype(np.float32)
        values[f"weight_{2 * index + 1}"] = np.zeros(columns, np.float32)
    for suffix, split in (("", images.train), ("_test", images.test)):
        pixels = split.x.reshape(len(split), -1).astype(np.float32)
        values["x" + suffix] = pixels / images.maximum
        values["y" + suffix] = split.y
    np.savez(path, seed=seed, **values)  # type: ignore[arg-type]


def compare(python: str, seeds: Sequence[int], data_dir: str) -> dict[str, list[dict[str, float]]]:
    """Returns what was measured, by kind: one entry per seed.

    Args:
        python: the Python that has TFMOT.
        seeds: of initial weights and order of examples.
        data_dir: folder of the data sets; empty: the digits.
    """
    found: dict[str, list[dict[str, float]]] = {kind: [] for kind in KINDS}
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    with tempfile.TemporaryDirectory() as name:
        data, out = Path(name) / "data.npz", Path(name) / "measured.json"
        for seed in seeds:
            write_data(data, seed, data_dir)
            for kind in KINDS:
                other = {"TF_USE_LEGACY_KERAS": "1"} if kind == "TFMOT" else {}
                start = (
                    [python, __file__]
                    if kind == "TFMOT"
                    else [sys.executable, "-m", "benchmarks.peers.tfmot"]
                )
                command = [*start, f"--work={kind}", f"--data={data}", f"--json={out}"]
                subprocess.run(command, env=environment | other, check=True)
                found[kind].append(json.loads(out.read_text("utf-8")))
                print(f"seed {seed}, {kind}: {found[kind][-1]}", flush=True)
    return found


def table(found: dict[str, list[dict[str, float]]], about: str) -> str:
    """Returns the Markdown of the comparison: medians over the seeds."""
    lines = [
        "| | sparsity of kernels | weights short of 90 % | accuracy | step | gzipped weights |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for kind, rows in found.items():
        sparsity, short, accuracy, step, size = (
            float(np.median([row[column] for row in rows])) for column in COLUMNS
        )
        spread = [100 * row["accuracy"] for row in rows]
        lines.append(
            f"| {kind} | {sparsity:.4%} | {short:.0f} | {accuracy:.1%} ({min(spread):.1f} to "
            f"{max(spread):.1f}) | {step:.2f} ms | {size / 1e3:,.0f} kB |"
        )
    return "\n".join([*lines, "", about])


def main(arguments: Sequence[str]) -> int:
    """Compares the packages, or does the work of one process; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", help="the Python that has TFMOT")
    parser.add_argument("--data-dir", default="", help="prepared folder of tensorflow-datasets")
    parser.add_argument("--seeds", default="0,1,2", help="numbers with commas")
    parser.add_argument("--write", action="store_true", help="put the table into the guide")
    parser.add_argument("--work", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.work:
        options.json.write_text(json.dumps(work(options.work, options.data)), "utf-8")
        return 0
    if not options.python:
        parser.error("--python is required; the lines above make it: --help")
    seeds = [int(seed) for seed in options.seeds.split(",")]
    found = compare(options.python, seeds, options.data_dir)
    data = f"{TRAIN_SIZE:,} images of MNIST" if options.data_dir else "the digits of scikit-learn"
    about = (
        f"LeNet-300-100 on {data}, {EPOCHS} epochs of Adam at batch {BATCH}; median of "
        f"{len(seeds)} seeds, accuracy with its range. Step: median from the start of one to that "
        "of the next."
    )
    text = table(found, about)
    print(text)
    if options.write:
        before, _, rest = _PAGE.read_text("utf-8").partition(_START)
        after = rest.partition(_END)[2]
        _PAGE.write_text(f"{before}{_START}\n\n{text}\n\n{_END}{after}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
