"""Removes half of a ResNet-20's FLOPs by channels, fine-tunes it on CIFAR-10, and compacts it.

    KERAS_BACKEND=tensorflow python -m benchmarks.half_the_flops --data-dir=DATA --seeds=3

Every network is saved when it is trained, so the same command resumes. The dense network is also
trained for as many steps as the pruned one is fine-tuned. Latencies of the compacted and the dense
network are measured in turn. The page is docs/results/half_the_flops/page.md.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from keras import layers

import keras_lottery as kl
from benchmarks.compare import in_turn, ratios
from benchmarks.table import machine
from keras_lottery import backend
from keras_lottery.files import write_text
from keras_lottery.report.document import Block, Heading, Table, Text
from keras_lottery.report.markdown import to_markdown
from keras_lottery.report.statistics import t_interval
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.data import load
from keras_lottery.tasks.vision.images import Images, Split

PAGE = Path(__file__).resolve().parents[1] / "docs/results/half_the_flops"
BATCH = 128
LATENCY_BATCH = 32
TARGET = 0.5
ACCURACIES = ("dense", "dense_longer", "pruned", "compacted")
SHIFT = 4


def standardized(images: Images) -> Images:
    """Returns the images with the training images' mean and standard deviation per channel."""
    mean = images.train.x.mean((0, 1, 2), dtype=np.float64)
    deviation = images.train.x.std((0, 1, 2), dtype=np.float64)

    def scaled(split: Split) -> Split:
        return Split(((split.x - mean) / deviation).astype(np.float32), split.y)

    return replace(images, train=scaled(images.train), test=scaled(images.test))


class Augmented(keras.utils.PyDataset):
    """Batches of images, mirrored at random, shifted by up to four pixels, shuffled each epoch."""

    def __init__(self, x: np.ndarray, y: np.ndarray, seed: int) -> None:
        super().__init__()
        border = (SHIFT, SHIFT)
        self.x, self.y = np.pad(x, ((0, 0), border, border, (0, 0))), y
        self.rng = np.random.default_rng(seed)
        self.order = self.rng.permutation(len(y))

    def __len__(self) -> int:
        return len(self.y) // BATCH

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[index * BATCH : (index + 1) * BATCH]
        side = self.x.shape[1] - 2 * SHIFT
        down, right = self.rng.integers(0, 2 * SHIFT + 1, (2, BATCH))
        at = np.arange(side)
        y_at = (down[:, None] + at)[:, :, None]
        x_at = (right[:, None] + at)[:, None, :]
        mirrored = self.rng.random(BATCH) < 0.5
        x_at = np.where(mirrored[:, None, None], x_at[:, :, ::-1], x_at)
        return self.x[rows[:, None, None], y_at, x_at], self.y[rows]

    def on_epoch_end(self) -> None:
        self.order = self.rng.permutation(len(self.y))


def resnet20() -> keras.Model:
    """Returns the 20-layer network for CIFAR-10 of He et al. 2015 (arXiv 1512.03385)."""
    inputs = keras.Input((32, 32, 3))
    x = layers.ReLU()(_conv(inputs, 16))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            x = _block(x, filters, 2 if stage and not block else 1)
    return keras.Model(inputs, layers.Dense(10)(layers.GlobalAveragePooling2D()(x)))


def _conv(x: keras.KerasTensor, filters: int, size: int = 3, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(
        filters, size, strides, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    return layers.BatchNormalization(momentum=0.9)(x)


def _block(x: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
    inner = _conv(layers.ReLU()(_conv(x, filters, strides=strides)), filters)
    shortcut = _conv(x, filters, 1, strides) if strides > 1 else x
    return layers.ReLU()(layers.Add()([inner, shortcut]))


def train(
    model: keras.Model, images: Images, *, epochs: int, rate: float, seed: int
) -> keras.Model:
    """Trains with momentum and a cosine schedule, and returns the model."""
    data = Augmented(images.train.x, images.train.y, seed)
    schedule = keras.optimizers.schedules.CosineDecay(rate, epochs * len(data))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    model.fit(data, epochs=epochs, verbose=2)
    return model


def trained(path: Path, make: Callable[[], keras.Model]) -> keras.Model:
    """Returns the model in the file, which is made first if it is missing."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        written = path.with_suffix(".part.keras")
        make().save(written)
        written.rename(path)
    return keras.models.load_model(path)


def accuracy(model: keras.Model, images: Images) -> float:
    """Returns the fraction of the test images that are classified correctly."""
    labels = model.predict(images.test.x, batch_size=500, verbose=0).argmax(-1)
    return float(np.mean(labels == images.test.y))


def run_seed(seed: int, images: Images, options: argparse.Namespace) -> dict[str, float]:
    """Returns the row of a seed."""
    keras.utils.set_random_seed(seed)
    folder = options.out / f"seed_{seed}"

    def tuned(model: keras.Model) -> keras.Model:
        return train(model, images, epochs=options.finetune_epochs, rate=0.02, seed=seed + 1000)

    def pruned() -> keras.Model:
        model = kl.mask(keras.models.load_model(folder / "dense.keras"))
        kl.prune(model, flops=TARGET, pattern="channels")
        kl.reestimate_batch_norm(model, images.train.x[:2000])
        return model

    def first() -> keras.Model:
        return train(resnet20(), images, epochs=options.epochs, rate=0.1, seed=seed)

    dense = trained(folder / "dense.keras", first)
    untuned = trained(folder / "pruned.keras", pruned)
    small = kl.compact(trained(folder / "finetuned.keras", lambda: tuned(untuned)))
    longer = trained(folder / "dense_longer.keras", lambda: tuned(dense))
    flops = kl.compaction_report(small).flops
    x = images.test.x[:LATENCY_BATCH]
    calls = {
        "compacted": lambda: small.predict_on_batch(x),
        "dense": lambda: dense.predict_on_batch(x),
    }
    speed = ratios(in_turn(calls, options.pairs), "dense", "compacted")
    return {
        "seed": seed,
        "dense": accuracy(dense, images),
        "dense_longer": accuracy(longer, images),
        "pruned": accuracy(kl.compact(trained(folder / "pruned.keras", pruned)), images),
        "compacted": accuracy(small, images),
        "parameters_dense": dense.count_params(),
        "parameters_compacted": small.count_params(),
        "flops_left": flops[1] / flops[0],
        "times_as_fast": speed.median,
        "times_as_fast_low": speed.interval[0],
        "times_as_fast_high": speed.interval[1],
    }


def write(rows: pd.DataFrame, about: str) -> None:
    """Writes results.csv and page.md."""
    PAGE.mkdir(parents=True, exist_ok=True)
    rows.to_csv(PAGE / "results.csv", index=False)
    write_text(PAGE / "page.md", to_markdown(content(rows, about)))


def content(rows: pd.DataFrame, about: str) -> list[Block]:
    """Returns the blocks of the page."""
    header = [
        "seed",
        "dense",
        "dense, fine-tuned as long",
        "pruned",
        "pruned, fine-tuned, compacted",
        "parameters",
        "FLOPs left",
        f"times as fast, batch {LATENCY_BATCH}",
    ]
    table = [
        [
            str(int(row.seed)),
            *(f"{100 * row[name]:.2f}" for name in ACCURACIES),
            f"{int(row.parameters_dense):,} → {int(row.parameters_compacted):,}",
            f"{row.flops_left:.1%}",
            f"{row.times_as_fast:.2f} [{row.times_as_fast_low:.2f}, {row.times_as_fast_high:.2f}]",
        ]
        for _, row in rows.iterrows()
    ]
    note = (
        "Accuracies on the test images in %. Speed: prediction of the dense network against the "
        "compacted one in turn, median and its 95 % interval."
    )
    versions = ", ".join(f"{name} {text}" for name, text in sorted(backend.versions().items()))
    return [
        Heading("Half of the FLOPs of a ResNet-20, removed by channels", 1),
        Text(about),
        Text(_difference(100 * (rows.compacted - rows.dense).to_numpy())),
        Table("By seed", header, table, note),
        Text(f"Backend {backend.name()}; {versions}; {machine()['processor']}, CPU only."),
    ]


def _difference(points: np.ndarray) -> str:
    mean = f"Compacted − dense: {points.mean():+.2f} points (n = {len(points)}"
    if len(points) == 1:
        return f"{mean})."
    low, high = t_interval(points)
    return f"{mean}; 95 % t interval {low:+.2f} to {high:+.2f})."


def main() -> None:
    """Trains, prunes, fine-tunes and compacts one network per seed, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True, help="prepared folder of tensorflow-datasets")
    parser.add_argument("--out", type=Path, default=Path("runs/half_the_flops"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train-size", type=int, default=20_000, help="images to train on")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--finetune-epochs", type=int, default=6)
    parser.add_argument("--pairs", type=int, default=21)
    options = parser.parse_args()
    data = VisionData(name="cifar10", dir=options.data_dir, train_size=options.train_size)
    images = standardized(load(data))
    about = (
        f"Trained for {options.epochs} epochs on {options.train_size:,} images of CIFAR-10, pruned "
        f"by `kl.prune(model, flops={TARGET}, pattern='channels')`, fine-tuned for "
        f"{options.finetune_epochs} epochs, then `kl.compact`. "
        "`python -m benchmarks.half_the_flops` regenerates this page."
    )
    rows = []
    for seed in range(options.seeds):
        rows.append(run_seed(seed, images, options))
        write(pd.DataFrame(rows), about)
    print((PAGE / "page.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
