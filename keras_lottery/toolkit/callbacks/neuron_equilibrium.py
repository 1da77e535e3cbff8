"""Freezing neurons whose outputs have stopped changing, and the random control."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery import checks, masking
from keras_lottery.errors import LotteryError
from keras_lottery.masking.gradient_mask import innermost
from keras_lottery.training.neurons import (
    FrozenRows,
    Neurons,
    forward_flops,
    neurons,
    normalized_outputs,
    similarity,
)

Frozen = dict[str, NDArray[np.bool_]]
"""Path of a layer -> True = the neuron is frozen."""


class NeuronFreezing(keras.callbacks.Callback):
    """Base of the callbacks that freeze neurons for an epoch and log the operations saved.

    A frozen neuron's kernel column, bias, batch-norm scale and shift, and their optimizer slots
    stay bit-identical during an epoch. Each epoch logs `frozen` (fraction of the neurons) and
    `backprop_flops` of one example: twice the forward pass (gradients of inputs and of weights),
    minus the weight gradients of frozen neurons. Dense kernels still compute those gradients, so
    training doesn't get faster.

    Args:
        x: a few held-out inputs of the model.
        include: path patterns of layers; empty: every dense, convolution and batch-norm layer.
        exclude: path patterns of layers that always train.

    Attributes:
        counts: one mapping per epoch, path of a layer -> neurons frozen during it.
    """

    changes_step = True
    """A compiled step of an earlier training must be retraced."""

    def __init__(self, x: Any, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        super().__init__()
        if x is None or not any(np.size(part) for part in keras.tree.flatten(x)):
            received = "x=None" if x is None else "no examples"
            raise LotteryError(
                f"Expected a few inputs. Received: {received}. Pass held-out examples."
            )
        self.x = x
        self.include = checks.patterns(include, "include")
        self.exclude = checks.patterns(exclude, "exclude")
        self.counts: list[dict[str, int]] = []

    def on_train_begin(self, logs: Any = None) -> None:
        optimizer = innermost(getattr(self.model, "optimizer", None))
        if optimizer is None:
            raise LotteryError(
                "Expected a model with an optimizer, which must skip frozen neurons. Received: "
                "none. Call model.compile(optimizer=...)."
            )
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        masking.sync_trainer(self.model)
        self.neurons = neurons(self.model, self.x, self.include, self.exclude)
        self._backprop = 2 * forward_flops(self.model, self.x)
        self._rows = FrozenRows(self.model, [row for layer in self.neurons for row in layer.rows])
        self.counts = []
        self._frozen: Frozen = {layer.path: np.zeros(layer.count, bool) for layer in self.neurons}
        self._started = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        if not self._started:  # after every on_train_begin, which may load a checkpoint
            self._started = True
            self.begin()
            self._freeze(self.choose(0))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        masking.sync_trainer(self.model)
        counts = {path: int(frozen.sum()) for path, frozen in self._frozen.items()}
        self.counts.append(counts)
        if logs is not None:
            logs["frozen"] = sum(counts.values()) / sum(layer.count for layer in self.neurons)
            logs["backprop_flops"] = float(self._backprop - self._saved(counts))
        chosen = self.choose(len(self.counts))
        if logs is not None:
            logs |= self.measured()
        self._freeze(chosen)

    def on_train_end(self, logs: Any = None) -> None:
        self._rows.remove()

    def begin(self) -> None:
        """Runs before the first epoch, with `neurons` known and checkpoints loaded."""

    def choose(self, epoch: int) -> Frozen:
        """Returns the neurons to freeze in an epoch, counted from the start of training."""
        raise NotImplementedError

    def measured(self) -> dict[str, float]:
        """Returns further logs of the finished epoch."""
        return {}

    def _saved(self, counts: Mapping[str, int]) -> int:
        return sum(layer.flops * counts[layer.path] // layer.count for layer in self.neurons)

    def _freeze(self, frozen: Frozen) -> None:
        self._frozen = frozen
        for layer in self.neurons:
            for variable, _ in layer.rows:
                self._rows.freeze(variable, frozen[layer.path])


class NeuronEquilibrium(NeuronFreezing):
    """Freezes, for one epoch, the neurons whose outputs have stopped changing.

    With φ_t the cosine between a neuron's outputs after epochs t and t - 1 on held-out inputs,

        v_t = (φ_t - φ_{t-1}) - μ · v_{t-1},

    a neuron with |v_t| < ε is at equilibrium and frozen in epoch t + 1. Every neuron trains in the
    first two epochs, which have no velocity yet, and whenever it leaves equilibrium.

    Args:
        x: a few held-out inputs of the model.
        epsilon: ε, above 0.
        mu: μ, in [0, 0.5].
        include: path patterns of layers; empty: every dense, convolution and batch-norm layer.
        exclude: path patterns of layers that always train.

    Attributes:
        counts: one mapping per epoch, path of a layer -> neurons frozen during it.

    Raises:
        LotteryError: ε or μ is out of range, or no layer has neurons.

    Example:
        >>> model.fit(x, y, callbacks=[NeuronEquilibrium(x_held_out[:50])])

    Reference:
        Bragagnolo et al. 2022, "To update or not to update? Neurons at equilibrium in deep
        models" (2207.09455).
    """

    def __init__(
        self,
        x: Any,
        epsilon: float = 1e-3,
        mu: float = 0.5,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> None:
        super().__init__(x, include, exclude)
        if not checks.number(epsilon, "epsilon") > 0:
            raise LotteryError(
                f"Expected epsilon above 0. Received: {epsilon}. The paper recommends 0.001."
            )
        if not 0 <= checks.number(mu, "mu") <= 0.5:
            raise LotteryError(
                f"Expected mu from 0 to 0.5. Received: {mu}. The paper recommends 0.5."
            )
        self.epsilon, self.mu = epsilon, mu

    def begin(self) -> None:
        self._outputs = normalized_outputs(self.model, self.neurons, self.x)
        self._similarity: dict[str, NDArray[np.float64]] = {}
        self._velocity = {layer.path: np.zeros(layer.count) for layer in self.neurons}

    def choose(self, epoch: int) -> Frozen:
        if not epoch:
            return dict(self._frozen)
        frozen, outputs = {}, normalized_outputs(self.model, self.neurons, self.x)
        for path, output in outputs.items():
            phi = similarity(output, self._outputs[path])
            known = path in self._similarity
            if known:
                change = phi - self._similarity[path]
                self._velocity[path] = change - self.mu * self._velocity[path]
            frozen[path] = (np.abs(self._velocity[path]) < self.epsilon) & known
            self._similarity[path] = phi
        self._outputs = outputs
        return frozen

    def measured(self) -> dict[str, float]:
        return {"similarity": float(np.mean(np.concatenate(list(self._similarity.values()))))}


class RandomFreezing(NeuronFreezing):
    """Control: freezes as many neurons of each layer as another training did, chosen at random.

    Args:
        x: at least one input, to count operations.
        counts: `NeuronEquilibrium.counts` of the other training.
        seed: seed of the choice, which is new in every epoch.
        include: as in the other training.
        exclude: as in the other training.

    Raises:
        LotteryError: the counts are for different layers, or cover fewer epochs.
    """

    def __init__(
        self,
        x: Any,
        counts: Sequence[Mapping[str, int]],
        seed: int = 0,
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
    ) -> None:
        super().__init__(x, include, exclude)
        checks.instance(counts, Sequence, "counts")  # type: ignore[type-abstract]
        for epoch in counts:
            checks.instance(epoch, Mapping, "each of counts")  # type: ignore[type-abstract]
        self.wanted, self.seed = [dict(epoch) for epoch in counts], checks.seed(seed)

    def choose(self, epoch: int) -> Frozen:
        if epoch >= len(self.wanted):
            if epoch and epoch == len(self.wanted):
                return dict(self._frozen)  # after the last epoch nothing is trained
            raise LotteryError(
                f"Expected counts for every epoch. Received: {len(self.wanted)} epochs of counts. "
                "Train for as many epochs as there are counts."
            )
        return {layer.path: self._sample(layer, epoch) for layer in self.neurons}

    def _sample(self, layer: Neurons, epoch: int) -> NDArray[np.bool_]:
        count = self.wanted[epoch].get(layer.path, -1)
        if not 0 <= count <= layer.count:
            raise LotteryError(
                f"Expected a count from 0 to {layer.count} for the layer {layer.path}. "
                f"Received: {self.wanted[epoch].get(layer.path)}. Take the counts of this network."
            )
        index = [other.path for other in self.neurons].index(layer.path)
        frozen = np.zeros(layer.count, bool)
        rng = np.random.default_rng([self.seed, epoch, index])
        frozen[rng.permutation(layer.count)[:count]] = True
        return frozen
