"""User-given layer names, which patterns match in addition to structural paths.

Automatic names (`dense_1`) don't count: they depend on how many layers a process has built.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

import keras

from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths

__all__ = ["Names", "layer_names", "names_of"]


class Names(NamedTuple):
    """The strings that patterns match for a layer.

    Args:
        places: its paths: first the structural one, then paths with user-given names.
        alone: the user-given names of the layer and of the layers around it.
    """

    places: tuple[str, ...]
    alone: tuple[str, ...]


def layer_names(model: keras.Layer) -> dict[int, Names]:
    """Returns the paths and names that patterns match, by layer `id`.

    A layer named `output` at `layers/dense_1` matches that path, `layers/output` and `output`, and
    so do its sublayers.
    """
    return names_of(paths.layer_paths(model))


def names_of(layers: Iterable[tuple[str, keras.Layer]]) -> dict[int, Names]:
    """Returns `layer_names` for layers with their structural paths, outer layers first."""
    known = {"": Names(("",), ())}
    result: dict[int, Names] = {}
    for path, layer in layers:
        if path:
            known[path] = _names(path, _user_name(layer), known)
        result[id(layer)] = known[path]
    return result


def _names(path: str, name: str, known: dict[str, Names]) -> Names:
    outer = path.rpartition("/")[0]
    while outer not in known:
        outer = outer.rpartition("/")[0]
    inner = path.removeprefix(outer).strip("/")
    endings = [inner, _join(inner.rpartition("/")[0], name), name] if name else [inner]
    places = dict.fromkeys(_join(p, ending) for ending in endings for p in known[outer].places)
    return Names(tuple(places), (*known[outer].alone, *([name] if name else [])))


def _user_name(layer: keras.Layer) -> str:
    """Returns the user-given name of a layer, or an empty string for an automatic one."""
    automatic = internals.snake_case(type(layer).__name__)
    # `Bidirectional` and `Masked` derive names from the inner layer.
    derived = rf"(forward_|backward_|masked_)*{re.escape(automatic)}(_\d+)?"
    return "" if re.fullmatch(derived, layer.name) else layer.name


def _join(path: str, name: str) -> str:
    return f"{path}/{name}".strip("/")
