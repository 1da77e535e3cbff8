"""Finding a model's output layer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras

from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.mask_holder import MaskHolder, is_wrapper
from keras_lottery.masking.names import Names
from keras_lottery.masking.prunable import prunable_weights
from keras_lottery.patterns import check_matches, matches

__all__ = ["output_layers"]

_MATRICES = ("kernel", "recurrent", "embedding")


def output_layers(
    layers: Sequence[tuple[str, keras.Layer]], names: Mapping[int, Names], pattern: str = ""
) -> set[int]:
    """Returns the ids of the layers that own the weights of the output layer or layers.

    In a functional or sequential model these are the first layers with weight matrices on the way
    back from each output. The graph of a subclassed model is unknown: its output layer is the
    last layer with weight matrices, in the order of assignment.

    Args:
        layers: layers of a built model by structural path, the outermost first.
        names: paths and names that patterns match, by layer `id`.
        pattern: path or name pattern of the output layer, instead of searching for it.

    Raises:
        LotteryError: no layer with weight matrices has a path or name that matches the pattern.
    """
    if not pattern:
        return {id(layer) for layer in _last(layers[0][1])}
    places = {layer: (*n.places, *n.alone[-1:]) for layer, n in names.items()}
    weighted = [id(layer) for _, layer in layers if _has_matrix(layer)]
    check_matches("output_layer", (pattern,), [places[layer] for layer in weighted])
    return {layer for layer, paths in places.items() if matches(paths, (pattern,))}


def _last(layer: keras.Layer) -> list[keras.Layer]:
    """Returns the last layers with weight matrices in `layer`; empty if it has none."""
    while is_wrapper(layer):
        layer = layer.layer
    if _has_matrix(layer):
        return [layer]
    if tensors := _outputs(layer):
        outputs: dict[int, keras.Layer] = {}
        for tensor in tensors:
            outputs |= {id(output): output for output in _back(tensor, set())}
        return list(outputs.values())
    known = prunable_weights(layer)
    children = [c for c in internals.sublayers(layer) if not isinstance(c, MaskHolder)]
    if isinstance(layer, keras.layers.Bidirectional):  # both directions make the output
        return [output for child in children for output in _last(child)]
    if known and known.subtree:
        return [inner for child in children for inner in internals.flatten_layers(child)]
    for child in reversed(children):
        if last := _last(child):
            return last
    return []


def _outputs(layer: keras.Layer) -> list[Any]:
    """Returns the symbolic outputs of a functional or sequential model, else an empty list."""
    if internals.is_functional(layer):
        return list(layer.outputs)
    if isinstance(layer, keras.Sequential):
        try:
            return list(layer.outputs)
        except AttributeError:  # built without a known input
            return []
    return []


def _back(tensor: Any, seen: set[tuple[int, int]]) -> Iterator[keras.Layer]:
    """Yields the first layers with matrices on the way back from a tensor."""
    operation, node = internals.producer(tensor)
    if (id(operation), node) in seen:
        return
    seen.add((id(operation), node))
    if isinstance(operation, keras.Layer) and (last := _last(operation)):
        yield from last
        return
    for before in internals.inbound_tensors(operation, node):
        yield from _back(before, seen)


def _has_matrix(layer: keras.Layer) -> bool:
    known = prunable_weights(layer)
    return known is not None and any(kind in _MATRICES for kind in known.kinds.values())
