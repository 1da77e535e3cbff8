"""The neurons of a model as rows of its variables, and freezing such rows.

Gradients of frozen rows are zeroed before the optimizer sees them (momentum, clipping by the global
norm). After its step the rows of the variable and its slots are restored, so momentum and weight
decay don't change them. The masks are optimizer variables: a compiled step takes them as state and
isn't retraced when they change.
"""

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from keras_lottery import masking
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.gradient_mask import innermost, slots
from keras_lottery.masking.keras_internals import flatten_layers
from keras_lottery.masking.names import layer_names
from keras_lottery.patterns import check_matches, matches
from keras_lottery.training.flops import uses, watched

_FREEZING = internals.hidden_name("frozen_rows")
_KERNELS = (layers.Dense, layers.Conv1D, layers.Conv2D, layers.Conv3D)


@dataclass(frozen=True, eq=False)
class Neurons:
    """The output channels of one layer.

    Args:
        path: structural path of the layer.
        layer: `Dense`, a convolution or `BatchNormalization`.
        count: number of channels.
        rows: trainable variables, each with its channel axis.
        flops: floating-point operations of one example's weight gradients, all channels.
    """

    path: str
    layer: keras.Layer
    count: int
    rows: tuple[tuple[keras.Variable, int], ...]
    flops: int

    @property
    def axis(self) -> int:
        """The axis of the channels in the layer's outputs."""
        if isinstance(self.layer, layers.BatchNormalization):
            return int(self.layer.axis)
        return 1 if getattr(self.layer, "data_format", "") == "channels_first" else -1


def neurons(
    model: keras.Model, x: Any, include: Sequence[str], exclude: Sequence[str]
) -> list[Neurons]:
    """Returns the neurons of every trained dense, convolution and batch-norm layer.

    Args:
        model: built.
        x: a few inputs of the model; one is run.
        include: path patterns of layers; empty: all.
        exclude: path patterns of layers to leave out.

    Raises:
        LotteryError: no such layer is selected, or a pattern matches nothing.
    """
    paths = {id(variable): path for path, variable in masking.variables(model).items()}
    counts = uses(model, keras.tree.map_structure(lambda a: a[:1], x))
    trained = {id(v) for v in model.trainable_variables}
    places = {n.places[0]: (*n.places, *n.alone) for n in layer_names(model).values()}
    check_matches("include", include, list(places.values()))
    check_matches("exclude", exclude, list(places.values()))
    by_layer = []
    for layer in flatten_layers(model):
        rows = tuple((v, axis) for v, axis in _rows(layer) if v is not None and id(v) in trained)
        if not rows:
            continue
        path = paths[id(rows[0][0])].rpartition("/")[0]
        if (include and not matches(places[path], include)) or matches(places[path], exclude):
            continue
        variable, axis = rows[0]
        flops = 2 * counts.get(id(variable), 0) * int(np.prod(variable.shape))
        by_layer.append(Neurons(path, layer, int(variable.shape[axis]), rows, flops))
    if not by_layer:
        raise LotteryError(
            "Expected a model with trained dense, convolution or batch-norm layers. "
            "Received: none selected by include= and exclude=. Change the patterns."
        )
    return by_layer


def _rows(layer: keras.Layer) -> list[tuple[Any, int]]:
    if isinstance(layer, _KERNELS):
        return [(layer.kernel, -1), (layer.bias, 0)]
    if isinstance(layer, layers.BatchNormalization):
        return [(layer.gamma, 0), (layer.beta, 0)]
    return []


def forward_flops(model: keras.Model, x: Any) -> int:
    """Returns twice the multiply-adds of one example's forward pass."""
    counts = uses(model, keras.tree.map_structure(lambda a: a[:1], x))
    variables = {id(v): v for v in model.variables}
    return sum(2 * n * int(np.prod(variables[i].shape)) for i, n in counts.items())


def normalized_outputs(
    model: keras.Model, watched_neurons: Sequence[Neurons], x: Any
) -> dict[str, NDArray[np.float32]]:
    """Returns the outputs of each layer, scaled to length 1 per neuron.

    Returns:
        By path, shape `(neurons, examples · positions)`; neurons that are always 0 stay 0.
    """
    recorded: dict[int, list[NDArray[np.float32]]] = {}
    axes = {id(layer_neurons.layer): layer_neurons.axis for layer_neurons in watched_neurons}

    def record(layer: Any, inputs: Any, outputs: Any) -> None:
        if id(layer) in axes:
            values = np.moveaxis(np.asarray(ops.convert_to_numpy(outputs)), axes[id(layer)], 0)
            recorded.setdefault(id(layer), []).append(values.reshape(len(values), -1))

    with watched(record):
        model(x, training=False)
    unit = {}
    for layer_neurons in watched_neurons:
        if id(layer_neurons.layer) not in recorded:
            raise LotteryError(
                "Expected every layer to run on the held-out inputs. Received: "
                f"{layer_neurons.path}, which does not. Name it in exclude=."
            )
        values = np.concatenate(recorded[id(layer_neurons.layer)], axis=1).astype(np.float32)
        length = np.linalg.norm(values, axis=1, keepdims=True)
        unit[layer_neurons.path] = np.divide(
            values, length, out=np.zeros_like(values), where=length > 0
        )
    return unit


def similarity(current: NDArray[np.float32], before: NDArray[np.float32]) -> NDArray[np.float64]:
    """Returns φ, the cosine between two epochs' outputs of each neuron; 1 where both are 0.

    Args:
        current: outputs of length 1 or 0; shape `(neurons, values)`.
        before: outputs of the previous epoch.
    """
    both_zero = ~current.any(axis=1) & ~before.any(axis=1)
    return np.where(both_zero, 1.0, np.einsum("nv,nv->n", current, before, dtype=np.float64))


def thaw(model: keras.Model) -> None:
    """Ends the freezing of rows that an interrupted training has left."""
    if (rows := getattr(model, _FREEZING, None)) is not None:
        rows.remove()


class FrozenRows:
    """Freezes rows of variables in every step of a compiled model's optimizer, during one `fit`.

    Keras doesn't call `on_train_end` of a training that was interrupted. The next one thaws them.

    Args:
        model: compiled, with its optimizer built.
        rows: variables, each with the axis of its rows.
    """

    def __init__(self, model: keras.Model, rows: Sequence[tuple[keras.Variable, int]]) -> None:
        thaw(model)
        self._model = model
        self._optimizer = innermost(model.optimizer)
        self._before = vars(self._optimizer).get("apply")
        plain = self._optimizer.apply
        self._masks: dict[int, tuple[keras.Variable, int]] = {}
        for variable, axis in rows:
            mask = self._optimizer.add_variable(
                (variable.shape[axis],), initializer="ones", dtype="bool", name="trained_rows"
            )
            self._masks[id(variable)] = (mask, axis % len(variable.shape))
        masks = self._masks

        def apply(self: Any, grads: Sequence[Any], trainable_variables: Any = None) -> Any:
            return _apply(self, plain, masks, grads, trainable_variables)

        object.__setattr__(self._optimizer, "apply", types.MethodType(apply, self._optimizer))
        internals.remake_functions(model)
        history, make = getattr(model, "history", None), model.make_train_function

        def make_train_function(force: bool = False) -> Any:
            if getattr(model, "history", None) is not history:  # every `fit` has one
                thaw(model)
            return make(force=force)

        object.__setattr__(model, "make_train_function", make_train_function)
        object.__setattr__(model, _FREEZING, self)  # bypasses Keras' tracking

    def freeze(self, variable: keras.Variable, frozen: NDArray[np.bool_]) -> None:
        """Freezes the rows of a variable where `frozen` is True, and unfreezes the others."""
        self._masks[id(variable)][0].assign(~np.asarray(frozen, bool))

    def remove(self) -> None:
        """Restores the optimizer's own `apply`, and removes the masks."""
        internals.sync_trainer(self._model)
        for name in ("make_train_function", _FREEZING):
            object.__delattr__(self._model, name)
        if self._before is None:
            object.__delattr__(self._optimizer, "apply")
        else:
            object.__setattr__(self._optimizer, "apply", self._before)
        internals.forget_variables(self._optimizer, [mask for mask, _ in self._masks.values()])
        internals.remake_functions(self._model)


def _apply(
    optimizer: Any,
    plain: Any,
    masks: Mapping[int, tuple[keras.Variable, int]],
    grads: Sequence[Any],
    trainable_variables: Any,
) -> Any:
    """Replaces `optimizer.apply`."""
    variables = trainable_variables
    if variables is None:
        variables = internals.optimized_variables(optimizer)
    variables, grads, kept = list(variables), list(grads), []
    for index, variable in enumerate(variables):
        if id(variable) not in masks or grads[index] is None:
            continue
        mask, axis = masks[id(variable)]
        shape = [1] * len(variable.shape)
        shape[axis] = -1
        trained = ops.reshape(ops.convert_to_tensor(mask.value), shape)
        grads[index] = ops.where(trained, grads[index], ops.zeros_like(grads[index]))
        for state in (variable, *(slot.variable for slot in slots(optimizer, variable))):
            kept.append((state, trained, ops.copy(state.value)))
    result = plain(grads, trainable_variables)
    for variable, trained, before in kept:
        variable.assign(ops.where(trained, ops.convert_to_tensor(variable.value), before))
    return result
