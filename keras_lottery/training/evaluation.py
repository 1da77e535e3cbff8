"""Evaluating a network beyond the metrics of one pass.

Stochastic masks are evaluated over several samples, and an output that no longer depends on the
input is noticed.
"""

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.training import checkpoint
from keras_lottery.training.data import length

Evaluate = Callable[[keras.Model], dict[str, float]]


def undisturbed(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Measures a model without moving the random numbers that its training goes on with."""
    seeds = checkpoint.capture_seeds(model)
    metrics = evaluate(model)
    checkpoint.restore_seeds(model, seeds)
    return metrics


def sampled(model: keras.Model, evaluate: Evaluate, samples: int) -> dict[str, float]:
    """Returns the mean of each metric over passes with samples of their own, and `<name>_sd`.

    Equal for equal scores: the passes are seeded with 0, 1, and so on.
    """

    def one(seed: int) -> dict[str, float]:
        checkpoint.reset_seeds(model, seed)
        return evaluate(model)

    seeds = checkpoint.capture_seeds(model)
    passes = [one(seed) for seed in range(samples)]
    checkpoint.restore_seeds(model, seeds)
    mean = {name: float(np.mean([one[name] for one in passes])) for name in passes[0]}
    if samples == 1:
        return mean
    sd = {f"{name}_sd": float(np.std([o[name] for o in passes], ddof=1)) for name in passes[0]}
    return mean | sd


def shipped(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Returns what `strip` and `export` make of drawn masks, and how many weights are used.

    Keys: `threshold_<metric>` of the network that keeps the weights whose probability is at least
    a half, and `mean_kept`, the fraction of the weights that a sample keeps on average.
    """
    masking.set_mode(model, "threshold")
    metrics = {f"threshold_{name}": value for name, value in evaluate(model).items()}
    masking.set_mode(model, "sample")
    scores = [keras.ops.convert_to_numpy(score.value) for score in masking.scores(model)]
    chances = np.concatenate([1 / (1 + np.exp(-s.astype(np.float64).ravel())) for s in scores])
    return metrics | {"mean_kept": float(chances.mean())}


_BATCH = 8


def is_constant(model: keras.Model, inputs: Any, batch: int = _BATCH) -> bool:
    """Returns True where a network gives exactly the same output for every one of its inputs.

    The first batch settles it for nearly all networks. Networks that draw, or that carry states
    from batch to batch, are not looked at.

    Args:
        model: built.
        inputs: nested arrays of equal first axis.
        batch: examples computed at once.
    """
    examples = length(inputs)
    alike = all(_equal(np.asarray(leaf)) for leaf in keras.tree.flatten(inputs))
    if alike or examples < batch or masking.draws(model) or masking.carried(model):
        return False
    first: list[Any] | None = None
    for at in range(0, examples, batch):
        begin = min(at, examples - batch)  # every batch is of one shape
        part = keras.tree.map_structure(lambda a, begin=begin: a[begin : begin + batch], inputs)
        outputs = _outputs(model, part)
        first = [leaf[:1] for leaf in outputs] if first is None else first
        if any((leaf != expected).any() for leaf, expected in zip(outputs, first, strict=True)):
            return False
    return True


def _equal(rows: Any) -> bool:
    return not (rows != rows[:1]).any()


def _outputs(model: keras.Model, inputs: Any) -> list[Any]:
    if backend.name() == "jax":  # one compiled call: op by op, each would be compiled by itself
        with warnings.catch_warnings():
            # On several devices Keras warns of metrics that are on one; prediction reads none.
            warnings.filterwarnings("ignore", "Detected a mix of local")
            outputs = model.predict_on_batch(inputs)
    else:
        outputs = model(keras.tree.map_structure(np.asarray, inputs), training=False)
    return [keras.ops.convert_to_numpy(leaf) for leaf in keras.tree.flatten(outputs)]
