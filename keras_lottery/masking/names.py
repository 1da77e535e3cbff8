"""The names that layers were given: patterns match them beside structural paths.

Automatic names (`dense_1`) are none of them: they count how many layers a process made before.
"""

import re

import keras

from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths

__all__ = ["layer_names"]


def layer_names(model: keras.Layer) -> dict[int, tuple[str, ...]]:
    """Returns by layer (`id`) the paths under which patterns find it, the structural one first.

    A layer named `output` at `layers/dense_1` is found there, at `layers/output` and at `output`,
    and so is what is inside it.
    """
    places: dict[str, tuple[str, ...]] = {"": ("",)}
    found: dict[int, tuple[str, ...]] = {}
    for path, layer in paths.layer_paths(model):
        if path:
            places[path] = _places(path, _given(layer), places)
        found[id(layer)] = places[path]
    return found


def _places(path: str, name: str, places: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    outer = path.rpartition("/")[0]
    while outer not in places:
        outer = outer.rpartition("/")[0]
    own = path.removeprefix(outer).strip("/")
    ways = [own, _join(own.rpartition("/")[0], name), name] if name else [own]
    return tuple(dict.fromkeys(_join(place, way) for way in ways for place in places[outer]))


def _given(layer: keras.Layer) -> str:
    """Returns the name that a layer was given, or an empty string for an automatic one."""
    automatic = internals.snake_case(type(layer).__name__)
    # The two directions of `Bidirectional` and masked layers are named after the inner layer.
    derived = rf"(forward_|backward_|masked_)*{re.escape(automatic)}(_\d+)?"
    return "" if re.fullmatch(derived, layer.name) else layer.name


def _join(path: str, name: str) -> str:
    return f"{path}/{name}".strip("/")
