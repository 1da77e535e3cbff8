"""Evaluating a network beyond the metrics of one pass.

Stochastic masks are evaluated over several samples, batch-norm statistics are re-estimated for
averaged or edited networks, and an output that no longer depends on the input is noticed.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.masking.keras_internals import flatten_layers
from keras_lottery.training import checkpoint
from keras_lottery.training.data import length

Evaluate = Callable[[keras.Model], dict[str, float]]


def undisturbed(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Measures a model without moving the random numbers that its training goes on with."""
    seeds = checkpoint.capture_seeds(model)
    found = evaluate(model)
    checkpoint.restore_seeds(model, seeds)
    return found


def sampled(model: keras.Model, evaluate: Evaluate, samples: int) -> dict[str, float]:
    """Returns the mean of each metric over passes with samples of their own, and `<name>_sd`.

    Equal for equal scores: the passes are seeded with 0, 1, and so on.
    """

    def one(seed: int) -> dict[str, float]:
        checkpoint.reset_seeds(model, seed)
        return evaluate(model)

    seeds = checkpoint.capture_seeds(model)
    found = [one(seed) for seed in range(samples)]
    checkpoint.restore_seeds(model, seeds)
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


MOST_EXAMPLES = 5000
"""Training examples at most over which statistics are taken."""
BATCH_SIZE = 500


def reestimate_statistics(model: keras.Model, x: Any) -> None:
    """Sets moving means and variances to the means over batches of what training mode sees.

    Nothing else changes. Layers whose statistics are frozen keep them.

    Args:
        model: built.
        x: inputs `(examples, ...)`; the first `MOST_EXAMPLES` are used, `BATCH_SIZE` at a time,
            the last ones left out where they fill no batch of their own.

    Reference:
        Izmailov et al. 2018 (1803.05407), section 3.2, for why: averaged weights never saw data.
    """
    moved = _moving(model)
    if not moved:
        return
    x = x[:MOST_EXAMPLES]
    size = min(BATCH_SIZE, len(x))
    batches = [x[at : at + size] for at in range(0, len(x) - size + 1, size)]
    seen = [_of_batch(model, moved, batch) for batch in batches]
    for index, (variable, _) in enumerate(moved):
        variable.assign(np.mean([values[index] for values in seen], axis=0))


def _moving(model: keras.Model) -> list[tuple[keras.Variable, float]]:
    """Returns the statistics that training mode moves, each with its layer's momentum."""
    norms = [
        layer
        for layer in flatten_layers(model)
        if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable
    ]
    return [
        (variable, float(layer.momentum))
        for layer in norms
        for variable in (layer.moving_mean, layer.moving_variance)
    ]


def _of_batch(
    model: keras.Model, moved: Sequence[tuple[keras.Variable, float]], x: Any
) -> list[np.ndarray]:
    """Returns a batch's own statistics: what is moved from 0 is (1 - momentum) of them."""
    mapping = [(variable, keras.ops.zeros_like(variable.value)) for variable, _ in moved]
    with keras.StatelessScope(state_mapping=mapping) as scope:
        model(keras.ops.convert_to_tensor(x), training=True)
    return [
        np.array(keras.ops.convert_to_numpy(scope.get_current_value(variable))) / (1 - momentum)
        for variable, momentum in moved
    ]


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
        found = _outputs(model, part)
        first = [leaf[:1] for leaf in found] if first is None else first
        if any((leaf != one).any() for leaf, one in zip(found, first, strict=True)):
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
