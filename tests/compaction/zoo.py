"""Channels zeroed by hand, and the size that remains."""

from math import prod

import keras
import numpy as np

from keras_lottery.compaction import dependency_graph
from keras_lottery.masking.paths import layer_paths


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
