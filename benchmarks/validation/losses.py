"""Losses of this package on each backend, compared with those of a plain torch loop."""

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from keras_lottery.config import Config, freeze, presets
from keras_lottery.pruning import prune_to
from keras_lottery.tasks import make_task
from keras_lottery.training import DataOrder
from keras_lottery.types import Weights

STEPS = 200
SEED = 0
SPARSITY = 0.9
TOLERANCE = 1e-4
LEARNING_RATES = {"adam": 1.2e-3, "sgd": 0.1}
CALLS = (1, 20)
"""Steps between two loss readings: every step, and as many as one compiled call runs."""

BACKENDS = ("jax", "tensorflow", "torch")
_ROOT = Path(__file__).resolve().parents[2]


def experiment(optimizer: str, every: int, backend: str) -> Config:
    """Returns LeNet-300-100 on the digits for 200 steps, with its loss read every `every` steps."""
    fields = {
        "name": "validation-losses",
        "data.validation_size": 0,
        "train.length": f"{STEPS}it",
        "train.eval_every": every,
        "optimizer.name": optimizer,
        "optimizer.learning_rate": LEARNING_RATES[optimizer],
        "backend": backend,
    }
    if optimizer == "sgd":
        fields["optimizer.momentum"] = 0.9
    return freeze(presets.load("quickstart", fields).to_dict())


def backends() -> list[str]:
    """Returns the backends that are installed."""
    return [name for name in BACKENDS if find_spec(name)]


def compare(names: list[str]) -> list[dict[str, object]]:
    """Returns the losses of every case, one row per reading.

    Columns: `optimizer`, `masks` (`dense` or `sparse`), `every` (steps between two readings),
    `step`, `plain` (the mean of the plain loop's losses since the last reading), `double` (the same
    with torch's own rounding of Adam's bias correction) and one column for each backend of `names`,
    which trains in a separate process.
    """
    inputs = make_inputs()
    cases = [str(case) for case in inputs["cases"]]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inputs.npz"
        np.savez(path, **inputs)  # type: ignore[arg-type]
        plain = _child("plain_torch", path, "torch")
        found = {name: _child("trainer_losses", path, name) for name in names}
    rows: list[dict[str, object]] = []
    for every in CALLS:
        for case in cases:
            optimizer, masks = case.split("/")
            double = plain[case.replace("adam/", "adam_double/")]
            columns = {"plain": _means(plain[case], every), "double": _means(double, every)}
            columns |= {name: found[name][f"{every}/{case}"] for name in names}
            for i in range(STEPS // every):
                looked = {k: float(f"{column[i]:.9g}") for k, column in columns.items()}
                at = {"optimizer": optimizer, "masks": masks, "every": every}
                rows.append(at | {"step": (i + 1) * every} | looked)
    return rows


def _means(losses: np.ndarray, every: int) -> np.ndarray:
    return losses.reshape(-1, every).mean(axis=1)


def make_inputs() -> dict[str, np.ndarray]:
    """Returns initial weights, masks, images and batches: the inputs of both trainings."""
    config = experiment("adam", 1, "auto")
    task = make_task(config)
    weights = task.start_weights(SEED)
    infos = [info for info in task.variables() if info.prunable]
    masks = prune_to(weights, {}, infos, SPARSITY)
    images = task.images.train  # type: ignore[attr-defined]
    order = DataOrder(len(images), config.train.batch_size, SEED)
    epochs = range(0, STEPS, order.steps_per_epoch)
    batches = np.concatenate([order.rows(s, s + order.steps_per_epoch) for s in epochs])
    pixels = images.x.reshape(len(images), -1).astype(np.float32) / np.float32(16)
    found = {
        "paths": np.array([(info.path, info.path.replace("kernel", "bias")) for info in infos]),
        "cases": np.array([f"{o}/{m}" for o in LEARNING_RATES for m in ("dense", "sparse")]),
        "calls": np.array(CALLS),
        "seed": np.array(SEED),
        "x": pixels,
        "y": images.y,
        "batches": batches[:STEPS],
    }
    for name, rate in LEARNING_RATES.items():
        found[f"learning_rate/{name}"] = np.array(rate)
    return found | _numbered(weights, masks)


def _numbered(weights: Weights, masks: Weights) -> Weights:
    """Names arrays by the number of their layer, for the plain loop."""
    found = {}
    for i, path in enumerate(sorted(masks)):
        found[f"kernel/{i}"] = weights[path]
        found[f"bias/{i}"] = weights[path.replace("kernel", "bias")]
        found[f"dense/{i}"] = np.ones_like(masks[path])
        found[f"sparse/{i}"] = masks[path]
    return found


def _child(module: str, inputs: Path, backend: str) -> dict[str, np.ndarray]:
    """Runs a module of this folder on `inputs` and returns the arrays that it writes."""
    out = inputs.with_name(f"{module}-{backend}.npz")
    environment = os.environ | {
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "OMP_NUM_THREADS": "1",  # torch's threads would spend more time waiting than computing
    }
    began = time.perf_counter()
    command = [sys.executable, "-m", f"benchmarks.validation.{module}", str(inputs), str(out)]
    subprocess.run(command, env=environment, cwd=_ROOT, check=True)
    print(f"{module} on {backend}: {time.perf_counter() - began:.0f} s", flush=True)
    with np.load(out) as arrays:
        return dict(arrays)
