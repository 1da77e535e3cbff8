"""The names that layers were given: patterns match them beside structural paths.

Automatic names (`dense_1`) are none of them: they count how many layers a process made before.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import keras

from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths

__all__ = ["Names", "layer_names", "names_of"]


class Names(NamedTuple):
    """Where patterns find a layer.

    Args:
        places: its paths, the structural one first, then those with given names.
        alone: the given names, each alone, of the layer and of those around it.
    """

    places: tuple[str, ...]
    alone: tuple[str, ...]


def layer_names(model: keras.Layer) -> dict[int, Names]:
    """Returns by layer (`id`) the paths and names under which patterns find it.

    A layer named `output` at `layers/dense_1` is found there, at `layers/output` and at `output`,
    and so is what is inside it.
    """
    return names_of(paths.layer_paths(model))


def names_of(layers: Iterable[tuple[str, keras.Layer]]) -> dict[int, Names]:
    """Returns what `layer_names` does, for layers with their structural paths, outer ones first."""
    known = {"": Names(("",), ())}
    found: dict[int, Names] = {}
    for path, layer in layers:
        if path:
            known[path] = _names(path, _given(layer), known)
        found[id(layer)] = known[path]
    return found


def _names(path: str, name: str, known: dict[str, Names]) -> Names:
    outer = path.rpartition("/")[0]
    while outer not in known:
        outer = outer.rpartition("/")[0]
    own = path.removeprefix(outer).strip("/")
    ways = [own, _join(own.rpartition("/")[0], name), name] if name else [own]
    places = dict.fromkeys(_join(p, way) for way in ways for p in known[outer].places)
    return Names(tuple(places), (*known[outer].alone, *([name] if name else [])))


def _given(layer: keras.Layer) -> str:
    """Returns the name that a layer was given, or an empty string for an automatic one."""
    automatic = internals.snake_case(type(layer).__name__)
    # The two directions of `Bidirectional` and masked layers are named after the inner layer.
    derived = rf"(forward_|backward_|masked_)*{re.escape(automatic)}(_\d+)?"
    return "" if re.fullmatch(derived, layer.name) else layer.name


def _join(path: str, name: str) -> str:
    return f"{path}/{name}".strip("/")
