"""A pruned random network that approximates a trained one; needs only NumPy.

Every layer of the target, biases included, becomes two layers of the random network. With d inputs
(the last of them the constant 1, whose weights are the biases) the first has 2n·d neurons; each
keeps its connection with one input, and every input has n neurons of either sign. The second has
the target layer's outputs; of the n weights of an input, an output and a sign exactly k are kept,
so that they are a `gadget` for the target's weight.

Neurons are assigned to inputs after the draw, so that the signs are balanced: ours. The paper cuts
the neurons into blocks beforehand, and leaves those with the wrong sign unused.

Reference:
    Natale et al. 2024, Theorem 3: M_{2i-1} has 2d·n* rows and d columns, M_{2i} d_i rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets.gadget import gadget

Array = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Pair:
    """Two random layers with masks, which replace one layer of the target.

    Args:
        weights: the random kernels; shapes `(d, 2n·d)` and `(2n·d, outputs)`.
        masks: True = kept; the same shapes.
        target: weights of the target's layer, its biases the last row; shape `(d, outputs)`.
        positive: effective weights for inputs ≥ 0; shape `(d, outputs)`.
        negative: effective weights for inputs < 0.
    """

    weights: tuple[Array, Array]
    masks: tuple[NDArray[np.bool_], NDArray[np.bool_]]
    target: Array
    positive: Array
    negative: Array

    @property
    def error(self) -> float:
        """Largest error of a weight, of either sign of its input."""
        return float(max(self.errors(both=True).max(), 0.0))

    def errors(self, both: bool) -> Array:
        """Returns |error| per weight: for inputs ≥ 0, or the larger one of both signs."""
        positive = np.abs(self.positive - self.target)
        return np.maximum(positive, np.abs(self.negative - self.target)) if both else positive


def draw(fan_in: int, fan_out: int, n: int, seed: Sequence[int]) -> tuple[Array, Array]:
    """Returns two layers drawn from Uniform[-1, 1], in float32.

    Args:
        fan_in: d, inputs including the constant.
        fan_out: outputs.
        n: candidates per target weight and sign.
        seed: equal seeds give equal bits.
    """
    rng = np.random.default_rng(list(seed))
    width = 2 * n * fan_in
    first = rng.uniform(-1, 1, (fan_in, width)).astype(np.float32)
    return first, rng.uniform(-1, 1, (width, fan_out)).astype(np.float32)


def construct(target: Array, weights: tuple[Array, Array], k: int) -> Pair:
    """Prunes two random layers to approximate one layer of the target.

    Args:
        target: its weights, biases the last row; shape `(d, outputs)`, d from 2.
        weights: the random kernels.
        k: weights kept of the n of each input, output and sign.

    Raises:
        LotteryError: k is not from 1 to n.
    """
    first, second = weights
    owners = owner(first)
    neurons = np.arange(len(owners))
    masks = np.zeros(first.shape, bool), np.zeros(second.shape, bool)
    masks[0][owners, neurons] = True
    positive, negative = np.zeros(target.shape), np.zeros(target.shape)
    for i, o in np.ndindex(target.shape):
        block = neurons[owners == i]
        nearest = gadget(second[block, o], first[i, block], float(target[i, o]), k)
        masks[1][block, o] = nearest.chosen
        positive[i, o], negative[i, o] = nearest.positive, nearest.negative
    return Pair(weights, masks, target, positive, negative)


def owner(first: Array) -> NDArray[np.intp]:
    """Returns the input that each neuron stays connected to, with balanced signs.

    Neurons start in blocks. If an input has too many of one sign, one of them is swapped with a
    neuron of another input that has the missing sign here and the same sign there.

    Args:
        first: weights of the first layer; shape `(d, 2n·d)`, d from 2.

    Returns:
        Shape `(2n·d,)`; every input has n neurons with a positive weight, n with a negative one.

    Raises:
        LotteryError: no swap is left, which happens only with very few neurons.
    """
    fan_in, width = first.shape
    owners = np.repeat(np.arange(fan_in), width // fan_in)
    up, every = first > 0, np.arange(width)
    for i in range(fan_in):
        while excess := int(up[i, owners == i].sum()) - width // fan_in // 2:
            surplus = np.flatnonzero((owners == i) & (up[i] == (excess > 0)))[0]
            alike = up[owners, every] == up[owners, surplus]
            others = np.flatnonzero((owners != i) & (up[i] == (excess < 0)) & alike)
            if not len(others):
                raise LotteryError(
                    f"Expected random weights whose signs can be balanced. Received: {width} "
                    f"neurons for {fan_in} inputs, where they can't. Raise n, or use another seed."
                )
            owners[[surplus, others[0]]] = owners[[others[0], surplus]]
    return owners


def error_bound(pairs: Sequence[Pair]) -> float:
    """Returns a bound on every output's error, for all inputs in [-1, 1].

    With Δ the error of a layer's outputs, h a bound on them and E the errors of its weights,
    Δ_o ≤ Σ_i (E_io (h_i + Δ_i) + |w_io| Δ_i); relu makes no error larger.
    """
    size = np.ones(len(pairs[0].target) - 1)
    delta = np.zeros_like(size)
    for index, pair in enumerate(pairs):
        size, delta = np.append(size, 1.0), np.append(delta, 0.0)  # the constant input
        errors = pair.errors(both=index == 0)  # hidden values are not negative
        absolute = np.abs(pair.target)
        delta = (errors * (size + delta)[:, None] + absolute * delta[:, None]).sum(axis=0)
        size = absolute.T @ size
    return float(delta.max())
