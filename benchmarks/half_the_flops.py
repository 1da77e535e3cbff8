"""Removes half of a ResNet-20's FLOPs by channels, fine-tunes it on CIFAR-10, and compacts it.

    KERAS_BACKEND=tensorflow python -m benchmarks.half_the_flops --data-dir=DATA --seeds=3

Every network is saved when it is trained, so the same command resumes. The dense network is also
trained for as many steps as the pruned one is fine-tuned. The compacted and the dense network are
timed in turn, on one thread, in four runtimes. The page is docs/results/half_the_flops/page.md.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
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
from keras_lottery.report.markdown import to_markdown
from keras_lottery.report.statistics import t_interval
from keras_lottery.tasks.vision.config import VisionData, VisionModel
from keras_lottery.tasks.vision.data import load
from keras_lottery.tasks.vision.images import Images
from keras_lottery.tasks.vision.models import ImageInput, models
from keras_lottery.tasks.vision.preprocessing import flip_crop, scaling_of

PAGE = Path(__file__).resolve().parents[1] / "docs/results/half_the_flops"
BATCH = 128
TARGET = 0.5
ACCURACIES = ("dense", "dense_longer", "pruned", "compacted")
RUNTIMES = {
    "saved_model": "TensorFlow",
    "litert": "LiteRT",
    "onnx": "ONNX Runtime",
    "openvino": "OpenVINO",
}
SPEEDS = {
    f"{network} {batch}": f"`{pattern}`, batch {batch}"
    for network, pattern in (("channels_8", "channels:8"), ("channels", "channels"))
    for batch in (1, 32)
}
"""Columns of results.csv, after the runtime, and of the page."""


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


def run_seed(seed: int, images: Images, options: argparse.Namespace) -> dict[str, Any]:
    """Returns the row of a seed."""
    keras.utils.set_random_seed(seed)
    folder = options.out / f"seed_{seed}"

    def tuned(model: keras.Model) -> keras.Model:
        return train(model, images, epochs=options.finetune_epochs, rate=0.02, seed=seed + 1000)

    def pruned(pattern: str) -> keras.Model:
        model = kl.mask(keras.models.load_model(folder / "dense.keras"))
        kl.prune(model, flops=TARGET, pattern=pattern)
        kl.reestimate_batch_norm(model, images.train.x[:2000])
        return model

    def first() -> keras.Model:
        return train(resnet20(images), images, epochs=options.epochs, rate=0.1, seed=seed)

    dense = trained(folder / "dense.keras", first)
    untuned = trained(folder / "pruned.keras", lambda: pruned("channels:8"))
    finetuned = trained(folder / "finetuned.keras", lambda: tuned(untuned))
    longer = trained(
        folder / "dense_longer.keras",
        lambda: tuned(keras.models.load_model(folder / "dense.keras")),
    )
    small = trained(folder / "channels_8.keras", lambda: kl.compact(finetuned))
    trained(folder / "channels.keras", lambda: kl.compact(pruned("channels")))
    command = [sys.executable, "-m", "benchmarks.half_the_flops_speed", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    flops = kl.compaction_report(kl.compact(finetuned)).flops
    return {
        "seed": seed,
        "dense": accuracy(dense, images),
        "dense_longer": accuracy(longer, images),
        "pruned": accuracy(keras.models.load_model(folder / "pruned.keras"), images),
        "compacted": accuracy(small, images),
        "parameters_dense": dense.count_params(),
        "parameters_compacted": small.count_params(),
        "flops_left": flops[1] / flops[0],
        **{
            f"{form} {network} {batch}": speed
            for form, networks in json.loads(done.stdout.splitlines()[-1]).items()
            for network, by_batch in networks.items()
            for batch, speed in by_batch.items()
        },
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
    ]
    table = [
        [
            str(int(row.seed)),
            *(f"{100 * row[name]:.2f}" for name in ACCURACIES),
            f"{int(row.parameters_dense):,} → {int(row.parameters_compacted):,}",
            f"{row.flops_left:.1%}",
        ]
        for _, row in rows.iterrows()
    ]
    speeds = [
        [name, *(_range(rows[f"{form} {column}"]) for column in SPEEDS)]
        for form, name in RUNTIMES.items()
    ]
    versions = ", ".join(f"{name} {text}" for name, text in sorted(backend.versions().items()))
    return [
        Heading("Half of the FLOPs of a ResNet-20, removed by channels", 1),
        Text(about),
        Text(_difference(100 * (rows.compacted - rows.dense).to_numpy(), "dense")),
        Text(_difference(100 * (rows.compacted - rows.dense_longer).to_numpy(), "dense as long")),
        Table("Accuracy", header, table, "Percent of the 10,000 test images."),
        Table(
            "Times as fast as dense",
            ["runtime", *SPEEDS.values()],
            speeds,
            "One thread, exported networks with at most half of the FLOPs, in turn with the dense "
            "one; median of the seeds, with the lowest and the highest.",
        ),
        Text(f"Backend {backend.name()}; {versions}; {machine()['processor']}, CPU only."),
    ]


def _range(speeds: "pd.Series[float]") -> str:
    if len(speeds) == 1:
        return f"{speeds.iloc[0]:.2f}"
    return f"{speeds.median():.2f} [{speeds.min():.2f}, {speeds.max():.2f}]"


def _difference(points: np.ndarray, other: str) -> str:
    mean = f"Compacted − {other}: {points.mean():+.2f} points (n = {len(points)}"
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
    parser.add_argument("--finetune-epochs", type=int, default=8)
    options = parser.parse_args()
    data = VisionData(name="cifar10", dir=options.data_dir, train_size=options.train_size)
    images = load(data)
    about = (
        f"Trained for {options.epochs} epochs on {options.train_size:,} images of CIFAR-10, pruned "
        f"by `kl.prune(model, flops={TARGET}, pattern='channels:8')`, fine-tuned for "
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
