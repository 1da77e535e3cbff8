"""Evaluation beyond a single pass: stochastic masks over several samples, and constant outputs."""

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.training import checkpoint
from keras_lottery.training.data import length

Evaluate = Callable[[keras.Model], dict[str, float]]


def with_seeds_preserved(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Evaluates a model without advancing the seeds that its training uses."""
    seeds = checkpoint.capture_seeds(model)
    metrics = evaluate(model)
    checkpoint.restore_seeds(model, seeds)
    return metrics


def sampled(model: keras.Model, evaluate: Evaluate, samples: int) -> dict[str, float]:
    """Returns the mean of each metric over passes with different samples, and `<name>_sd`.

    Deterministic for given scores: the passes use the seeds 0, 1, and so on.
    """

    def run_pass(seed: int) -> dict[str, float]:
        checkpoint.reset_seeds(model, seed)
        return evaluate(model)

    seeds = checkpoint.capture_seeds(model)
    passes = [run_pass(seed) for seed in range(samples)]
    checkpoint.restore_seeds(model, seeds)
    mean = {name: float(np.mean([p[name] for p in passes])) for name in passes[0]}
    if samples == 1:
        return mean
    sd = {f"{name}_sd": float(np.std([p[name] for p in passes], ddof=1)) for name in passes[0]}
    return mean | sd


def thresholded(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Returns the metrics of the network that `strip` and `export` make of stochastic masks.

    Keys: `threshold_<metric>` of the network that keeps the weights whose probability is at least
    a half, and `mean_kept`, the fraction of the weights that a sample keeps on average.
    """
    masking.set_mode(model, "threshold")
    metrics = {f"threshold_{name}": value for name, value in evaluate(model).items()}
    masking.set_mode(model, "sample")
    scores = [keras.ops.convert_to_numpy(score.value) for score in masking.scores(model)]
    keep = np.concatenate([1 / (1 + np.exp(-s.astype(np.float64).ravel())) for s in scores])
    return metrics | {"mean_kept": float(keep.mean())}


_BATCH = 8


def is_constant(model: keras.Model, inputs: Any, batch: int = _BATCH) -> bool:
    """Returns True if a network gives exactly the same output for all inputs.

    For nearly all networks the first batch decides. Returns False for networks with stochastic
    masks or state carried between batches.

    Args:
        model: built.
        inputs: nested arrays with first axes of equal length.
        batch: examples per batch.
    """
    examples = length(inputs)
    same_inputs = all(_equal(np.asarray(leaf)) for leaf in keras.tree.flatten(inputs))
    if same_inputs or examples < batch or masking.draws(model) or masking.carried(model):
        return False
    first: list[Any] | None = None
    for at in range(0, examples, batch):
        start = min(at, examples - batch)  # all batches have the same shape
        part = keras.tree.map_structure(lambda a, start=start: a[start : start + batch], inputs)
        outputs = _outputs(model, part)
        first = [leaf[:1] for leaf in outputs] if first is None else first
        if any((leaf != expected).any() for leaf, expected in zip(outputs, first, strict=True)):
            return False
    return True


def _equal(rows: Any) -> bool:
    return not (rows != rows[:1]).any()


def _outputs(model: keras.Model, inputs: Any) -> list[Any]:
    if backend.name() == "jax":  # one compiled call instead of compiling op by op
        with warnings.catch_warnings():
            # On several devices Keras warns about metrics on one; prediction doesn't read them.
            warnings.filterwarnings("ignore", "Detected a mix of local")
            outputs = model.predict_on_batch(inputs)
    else:
        outputs = model(keras.tree.map_structure(np.asarray, inputs), training=False)
    return [keras.ops.convert_to_numpy(leaf) for leaf in keras.tree.flatten(outputs)]
