"""Removes half and two thirds of a ResNet-20's FLOPs by channels, and trains it on CIFAR-10.

    KERAS_BACKEND=tensorflow python -m benchmarks.half_the_flops --data-dir=DATA --seeds=3

A dense network is trained, pruned, compacted and fine-tuned; another copy of it is only trained
for as many more steps. Every network is saved when it is trained, so the same command resumes. The
small and the dense networks are timed in turn, on one thread, in four runtimes. The page is
docs/results/half_the_flops/page.md.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd

import keras_lottery as kl
from benchmarks.table import machine
from keras_lottery import backend
from keras_lottery.files import write_text
from keras_lottery.report.document import Block, Heading, Table, Text
from keras_lottery.report.formatting import Unit, number, percent
from keras_lottery.report.markdown import to_markdown
from keras_lottery.report.statistics import t_interval
from keras_lottery.tasks.vision.config import VisionData, VisionModel
from keras_lottery.tasks.vision.data import load
from keras_lottery.tasks.vision.images import Images
from keras_lottery.tasks.vision.models import ImageInput, models
from keras_lottery.tasks.vision.preprocessing import flip_crop, scaling_of

PAGE = Path(__file__).resolve().parents[1] / "docs/results/half_the_flops"
BATCH = 128
POINTS = Unit("accuracy", digits=2)
RUNTIMES = {
    "saved_model": "TensorFlow",
    "litert": "LiteRT",
    "onnx": "ONNX Runtime",
    "openvino": "OpenVINO",
}


@dataclass(frozen=True)
class Cut:
    """Arguments of `kl.prune`.

    Args:
        flops: fraction of the FLOPs to remove.
        pattern: its pattern.
        tuned: whether the network is fine-tuned.
    """

    flops: float
    pattern: str = "channels:8"
    tuned: bool = True

    def __str__(self) -> str:
        return f"flops={self.flops:g}, pattern='{self.pattern}'"

    @property
    def untuned(self) -> str:
        """Name of the file of the network before it is fine-tuned, without ending."""
        return f"{self.pattern.replace(':', '_')}-{self.flops:g}"

    @property
    def file(self) -> str:
        """Name of the file of the network, without ending."""
        return f"{self.untuned}-finetuned" if self.tuned else self.untuned


CUTS = (Cut(0.5), Cut(0.65), Cut(0.5, "channels", tuned=False))


class Augmented(keras.utils.PyDataset):
    """Batches of images, mirrored and shifted at random, in a new order in each epoch."""

    def __init__(self, images: Images, seed: int) -> None:
        super().__init__()
        self.images, self.seed, self.epoch = images.train, seed, 0
        self._draw()

    def __len__(self) -> int:
        return len(self.images) // BATCH

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[index * BATCH : (index + 1) * BATCH]
        return self.x[rows], self.images.y[rows]

    def on_epoch_end(self) -> None:
        self.epoch += 1
        self._draw()

    def _draw(self) -> None:
        self.x = flip_crop(self.images.x, self.epoch, self.seed)
        rng = np.random.default_rng([self.seed, self.epoch])
        self.order = rng.permutation(len(self.images))


def resnet20(images: Images) -> keras.Model:
    """Returns the network that the presets train, for raw images."""
    scaling = scaling_of(images, "standard")
    inputs = ImageInput(images.shape, images.classes, str(images.train.x.dtype), scaling)
    return models["resnet20"](inputs, VisionModel(name="resnet20"))


def train(
    model: keras.Model, images: Images, *, epochs: int, rate: float, seed: int
) -> keras.Model:
    """Trains with momentum and a cosine schedule, and returns the model."""
    data = Augmented(images, seed)
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


def run_seed(seed: int, images: Images, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Returns the rows of a seed, one for each cut."""
    folder = options.out / f"seed_{seed}"

    def first() -> keras.Model:
        keras.utils.set_random_seed(seed)
        return train(resnet20(images), images, epochs=options.epochs, rate=0.1, seed=seed)

    def tuned(model: keras.Model) -> keras.Model:
        return train(model, images, epochs=options.finetune_epochs, rate=0.02, seed=seed + 1000)

    def pruned(cut: Cut) -> keras.Model:
        model = kl.mask(keras.models.load_model(folder / "dense.keras"))
        kl.prune(model, flops=cut.flops, pattern=cut.pattern)
        kl.reestimate_batch_norm(model, images.train.x[:2000])
        return kl.compact(model)

    dense = trained(folder / "dense.keras", first)
    longer = trained(
        folder / "dense_longer.keras",
        lambda: tuned(keras.models.load_model(folder / "dense.keras")),
    )
    common = {
        "seed": seed,
        "dense": accuracy(dense, images),
        "dense_longer": accuracy(longer, images),
        "parameters_dense": dense.count_params(),
    }
    rows = []
    for cut in CUTS:
        small = trained(folder / f"{cut.untuned}.keras", partial(pruned, cut))
        flops = kl.compaction_report(pruned(cut)).flops
        row = {**common, "cut": str(cut), "parameters": small.count_params()}
        row |= {"flops_left": flops[1] / flops[0], "pruned": accuracy(small, images)}
        if cut.tuned:
            finished = trained(folder / f"{cut.file}.keras", partial(tuned, small))
            row["finetuned"] = accuracy(finished, images)
        rows.append(row)
    return rows


def timed(rows: list[dict[str, Any]], folder: Path) -> None:
    """Adds to the rows of a seed how many times as fast as dense the networks are."""
    names = ["dense", *(cut.file for cut in CUTS)]
    command = [sys.executable, "-m", "benchmarks.half_the_flops_speed", str(folder), *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    for row, name in zip(rows, names[1:]):
        for form, networks in found.items():
            row |= {f"{form} {batch}": speed for batch, speed in networks[name].items()}


def write(rows: pd.DataFrame, about: str) -> None:
    """Writes results.csv and page.md."""
    PAGE.mkdir(parents=True, exist_ok=True)
    rows.to_csv(PAGE / "results.csv", index=False)
    write_text(PAGE / "page.md", to_markdown(content(rows, about)))


def content(rows: pd.DataFrame, about: str) -> list[Block]:
    """Returns the blocks of the page."""
    cuts = dict(list(rows.groupby("cut", sort=False)))
    accuracies = [
        [
            f"`{cut}`",
            f"{part.parameters_dense.iloc[0]:,.0f} → {part.parameters.mean():,.0f}",
            percent(part.flops_left.mean()),
            *(_percent(part[name]) for name in ("pruned", "finetuned")),
            *(_difference(part.finetuned - part[name]) for name in ("dense", "dense_longer")),
        ]
        for cut, part in cuts.items()
    ]
    first = rows.drop_duplicates("seed")
    dense = ", ".join(
        f"{name} {100 * first[column].mean():.2f}"
        for name, column in (("dense", "dense"), ("dense, trained as long", "dense_longer"))
    )
    speeds = [
        [f"`{cut}`", name, *(_range(part[f"{form} {batch}"]) for batch in (1, 32))]
        for cut, part in cuts.items()
        for form, name in RUNTIMES.items()
    ]
    versions = ", ".join(f"{name} {text}" for name, text in sorted(backend.versions().items()))
    n = len(first)
    return [
        Heading("Half and two thirds of the FLOPs of a ResNet-20, removed by channels", 1),
        Text(about),
        Table(
            "Accuracy",
            [
                "cut",
                "parameters",
                "FLOPs left",
                "pruned",
                "fine-tuned",
                "− dense",
                "− dense, trained as long",
            ],
            accuracies,
            f"Percent of the 10,000 test images, n = {n} ({dense}); differences in points, from "
            "three seeds on with the 95 % t interval of their mean.",
        ),
        Table(
            "Times as fast as dense",
            ["cut", "runtime", "batch 1", "batch 32"],
            speeds,
            "One thread, exported networks, in turn with the dense one"
            + ("." if n == 1 else "; median of the seeds, with the lowest and the highest."),
        ),
        Text(f"Backend {backend.name()}; {versions}; {machine()['processor']}, CPU only."),
    ]


def _range(speeds: "pd.Series[float]") -> str:
    if len(speeds) == 1:
        return f"{speeds.iloc[0]:.2f}"
    return f"{speeds.median():.2f} [{speeds.min():.2f}, {speeds.max():.2f}]"


def _percent(fractions: "pd.Series[float]") -> str:
    return "not fine-tuned" if fractions.isna().any() else f"{100 * fractions.mean():.2f}"


def _difference(fractions: "pd.Series[float]") -> str:
    points = 100 * fractions.to_numpy()
    if np.isnan(points).any():
        return "–"
    if len(points) < 3:
        return POINTS.difference(points.mean())
    low, high = t_interval(points)
    return f"{POINTS.difference(points.mean())} [{number(low, 2)}, {number(high, 2)}]"


def main() -> None:
    """Trains, prunes, compacts and fine-tunes the networks of each seed, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", required=True, help="prepared folder of tensorflow-datasets")
    parser.add_argument("--out", type=Path, default=Path("runs/half_the_flops"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--train-size", type=int, default=20_000, help="images to train on")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--finetune-epochs", type=int, default=8)
    parser.add_argument("--train-only", action="store_true", help="no timing and no page")
    options = parser.parse_args()
    data = VisionData(name="cifar10", dir=options.data_dir, train_size=options.train_size)
    images = load(data)
    about = (
        f"Trained for {options.epochs} epochs on {options.train_size:,} images of CIFAR-10, pruned "
        "by `kl.prune`, compacted by `kl.compact`, and fine-tuned for "
        f"{options.finetune_epochs} epochs. "
        "`python -m benchmarks.half_the_flops` regenerates this page."
    )
    by_seed = {seed: run_seed(seed, images, options) for seed in range(options.seeds)}
    if options.train_only:
        return
    for seed, rows in by_seed.items():
        timed(rows, options.out / f"seed_{seed}")
    write(pd.DataFrame([row for rows in by_seed.values() for row in rows]), about)
    print((PAGE / "page.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
