"""Models with channels zeroed by hand, and their predicted sizes."""

from math import prod

import keras
import numpy as np

from keras_lottery.compaction import dependency_graph
from keras_lottery.masking.paths import layer_paths


def randomize(model, seed=0):
    """Gives every weight a value that is not trivial, batch-norm statistics and biases too."""
    rng = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            shape = layer.moving_mean.shape
            layer.moving_mean.assign(rng.normal(0, 0.2, shape))
            layer.moving_variance.assign(rng.uniform(0.5, 1.5, shape))
            if layer.gamma is not None:
                layer.gamma.assign(rng.uniform(0.5, 1.5, shape))
            if layer.beta is not None:
                layer.beta.assign(rng.normal(0, 0.2, shape))
        elif type(layer).__name__ == "LayerScale":  # starts at 1e-6, which hides every block
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
        elif getattr(layer, "bias", None) is not None and hasattr(layer.bias, "assign"):
            layer.bias.assign(rng.normal(0, 0.1, layer.bias.shape))
    return model


def switch_off(model, share=0.5, seed=0):
    """Zeroes what makes a share of the groups; returns how many parameters should be left."""
    rng = np.random.default_rng(seed)
    layers = dict(layer_paths(model))
    groups = [g for g in dependency_graph(model).groups() if g.makes and not g.pinned]
    off = [g for g in groups if rng.random() < share]
    kept, values = {}, {}
    for group in off:
        for path, attribute, axis, indices in group.slices:
            variable = _variable(layers[path], attribute)
            keep = kept.setdefault(id(variable), [np.ones(n, dtype=bool) for n in variable.shape])
            keep[axis][list(indices)] = False
        for path, attribute, axis, indices in group.makes:
            variable = _variable(layers[path], attribute)
            _, value = values.setdefault(
                id(variable), (variable, np.array(keras.ops.convert_to_numpy(variable.value)))
            )
            value[(slice(None),) * axis + (list(indices),)] = 0
    for variable, value in values.values():
        variable.assign(value)
    return sum(
        prod(int(k.sum()) for k in kept[id(v)]) if id(v) in kept else prod(v.shape)
        for v in model.weights
    )


def _variable(layer, attribute):
    for part in attribute.split("."):
        layer = getattr(layer, part)
    return layer


def application(name):
    """Returns a small keras.applications model with random weights."""
    size = 71 if name == "Xception" else 32
    build = getattr(keras.applications, name)
    keras.utils.set_random_seed(0)
    return randomize(build(weights=None, input_shape=(size, size, 3), classes=10))
