"""Measuring networks that draw: several samples, and the network that is shipped."""

from collections.abc import Callable

import keras
import numpy as np

from keras_lottery import masking
from keras_lottery.training import snapshot

Evaluate = Callable[[keras.Model], dict[str, float]]


def undisturbed(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Measures a model without moving the random numbers that its training goes on with."""
    seeds = snapshot.capture_seeds(model)
    found = evaluate(model)
    snapshot.restore_seeds(model, seeds)
    return found


def sampled(model: keras.Model, evaluate: Evaluate, samples: int) -> dict[str, float]:
    """Returns the mean of each metric over passes with samples of their own, and `<name>_sd`.

    Equal for equal scores: the passes are seeded with 0, 1, and so on.
    """

    def one(seed: int) -> dict[str, float]:
        snapshot.reset_seeds(model, seed)
        return evaluate(model)

    seeds = snapshot.capture_seeds(model)
    found = [one(seed) for seed in range(samples)]
    snapshot.restore_seeds(model, seeds)
    mean = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    if samples == 1:
        return mean
    sd = {f"{name}_sd": float(np.std([o[name] for o in found], ddof=1)) for name in found[0]}
    return mean | sd


def shipped(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Returns what `strip` and `export` make of drawn masks, and how many weights are used.

    Keys: `threshold_<metric>` of the network that keeps the weights whose probability is at least
    a half, and `mean_kept`, the fraction of the weights that a sample keeps on average.
    """
    masking.set_mode(model, "threshold")
    found = {f"threshold_{name}": value for name, value in evaluate(model).items()}
    masking.set_mode(model, "sample")
    scores = [keras.ops.convert_to_numpy(score.value) for score in masking.scores(model)]
    chances = np.concatenate([1 / (1 + np.exp(-s.astype(np.float64).ravel())) for s in scores])
    return found | {"mean_kept": float(chances.mean())}
