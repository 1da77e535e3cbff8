"""Structural paths of variables: positions in the layer tree, as in Keras' own weight files.

Keras builds `variable.path` from automatic names: the same model built twice gives `dense` and
`dense_2`, and two sublayers can share a path. A structural path depends only on attributes and
positions in containers, so it is the same in every build, process and backend.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.mask_holder import MaskHolder, holder_of, is_wrapper

__all__ = [
    "by_path",
    "carried",
    "layer_paths",
    "named_variables",
    "seed_generators",
    "variables",
]


def variables(layer: keras.Layer) -> dict[str, keras.Variable]:
    """Returns every variable of a model or layer by its structural path, outer layers first.

    It leaves out masks, metrics, optimizer variables, seed-generator states and state carried
    between batches. A variable reachable through several attributes appears once, under its
    first path.

    Raises:
        LotteryError: the model is not built, or two variables have the same path.
    """
    check_built(layer)
    return dict(_cached(layer, "variables", _variables))


def seed_generators(layer: keras.Layer) -> dict[str, keras.Variable]:
    """Returns the state of every seed generator by its structural path."""
    check_built(layer)
    return dict(_cached(layer, "seed_generators", _seed_generators))


def carried(layer: keras.Layer) -> dict[str, keras.Variable]:
    """Returns the state that training carries from batch to batch, by structural path.

    It is `of_training()` of every sublayer whose class sets `carries_state = True`, and the states
    of stateful recurrent layers.
    """
    check_built(layer)
    return dict(_cached(layer, "carried", _carried))


# A walk over a model takes milliseconds, and an experiment needs its result constantly.
_cache: WeakKeyDictionary[keras.Layer, dict[str, tuple[Any, dict[str, keras.Variable]]]] = (
    WeakKeyDictionary()
)


def _cached(
    layer: keras.Layer, key: str, walk: Callable[[keras.Layer], dict[str, keras.Variable]]
) -> dict[str, keras.Variable]:
    """Walks a model again only if its variables have changed."""
    signature = [id(v) for v in layer.variables]
    entries = _cache.setdefault(layer, {})
    if key not in entries or entries[key][0] != signature:
        entries[key] = signature, walk(layer)
    return entries[key][1]


def _variables(layer: keras.Layer) -> dict[str, keras.Variable]:
    return by_path((p, variable) for p, _, _, variable in named_variables(layer_paths(layer)))


def by_path(pairs: Iterable[tuple[str, keras.Variable]]) -> dict[str, keras.Variable]:
    """Returns variables by path.

    Raises:
        LotteryError: two have the same path.
    """
    result: dict[str, keras.Variable] = {}
    for path, variable in pairs:
        if path in result:
            raise LotteryError(
                f"Expected one variable per path. Received: two at {path!r}. Keep them in "
                "attributes with different names, or in one list."
            )
        result[path] = variable
    return result


def _seed_generators(layer: keras.Layer) -> dict[str, keras.Variable]:
    states: dict[str, keras.Variable] = {}
    seen: set[int] = set()
    for path, owner in _walk(layer):
        for name, value in _named_elements(owner):
            if isinstance(value, keras.random.SeedGenerator) and id(value) not in seen:
                seen.add(id(value))
                states[_join(path, name)] = value.state
        holder = holder_of(owner) if isinstance(owner, keras.Layer) else None
        if holder is not None and holder.seed_generator is not None:
            states[_join(path, "masks/seed_generator")] = holder.seed_generator.state
    return states


def _carried(layer: keras.Layer) -> dict[str, keras.Variable]:
    found: dict[int, tuple[str, keras.Variable]] = {}
    for path, owner in layer_paths(layer):
        for index, variable in enumerate(_carried_by(owner)):
            found.setdefault(id(variable), (_join(path, f"carried/{index}"), variable))
    return dict(found.values())


def _carried_by(layer: keras.Layer) -> list[keras.Variable]:
    holders = [sublayer for sublayer in internals.sublayers(layer) if _carries(sublayer)]
    held = [variable for holder in holders for variable in holder.of_training()]
    return [*held, *internals.recurrent_states(layer)]


def _carries(layer: object) -> bool:
    """Returns True for a layer that holds state carried from batch to batch."""
    return bool(getattr(type(layer), "carries_state", False))


def check_built(layer: keras.Layer) -> None:
    """Raises if a model or layer is not built, so that it has no weights yet."""
    if not layer.built:
        raise LotteryError(
            f"Expected a model that is built. Received: {layer.name!r}, which has no weights yet. "
            "Call it on a batch, or call its build(input_shape), first."
        )


def named_variables(
    layers: Iterable[tuple[str, keras.Layer]],
) -> Iterator[tuple[str, keras.Layer, str, keras.Variable]]:
    """Yields (path, owning layer, attribute, variable) for each variable of the layers, once."""
    seen: set[int] = set()
    for path, owner in layers:
        owned = {id(v) for v in internals.own_variables(owner)}
        for name, value in _named_elements(owner):
            if isinstance(value, keras.Variable) and id(value) in owned and id(value) not in seen:
                seen.add(id(value))
                yield _join(path, name), owner, name, value
        for index, variable in enumerate(internals.own_variables(owner)):
            if id(variable) not in seen:
                seen.add(id(variable))
                yield _join(path, f"variables/{index}"), owner, f"variables/{index}", variable


def layer_paths(layer: keras.Layer) -> Iterator[tuple[str, keras.Layer]]:
    """Yields every layer with its structural path, the outermost first, each once."""
    for path, owner in _walk(layer):
        if isinstance(owner, keras.Layer):
            yield path, owner


def _walk(
    owner: Any, path: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, internals.KerasSaveable]]:
    """Yields layers and other objects that can own variables, parents before their children."""
    seen = set() if seen is None else seen
    while is_wrapper(owner):
        seen.add(id(owner))
        owner = owner.layer
    if id(owner) in seen:
        return
    seen.add(id(owner))
    yield path, owner
    for name, value in _named_elements(owner):
        if _is_inner(value):
            yield from _walk(value, _join(path, name), seen)
    if isinstance(owner, keras.Layer):  # tracked, but in no attribute or list
        for name, value in _elements("sublayers", internals.sublayers(owner)):
            if _is_inner(value):
                yield from _walk(value, _join(path, name), seen)


def _is_inner(value: object) -> bool:
    """Returns True for a layer that the walk over a model enters."""
    if isinstance(value, MaskHolder) or _carries(value) or internals.is_metric(value):
        return False
    return isinstance(value, keras.Layer)


def _named_elements(owner: internals.KerasSaveable) -> Iterator[tuple[str, Any]]:
    """Yields attributes by name, and the elements of containers one by one."""
    by_layers = isinstance(owner, keras.Sequential) or internals.is_functional(owner)
    for name, value in internals.attributes(owner):
        if name.startswith(internals.hidden_name("")):
            continue
        if name == "layers" and not by_layers:  # its attributes have better names
            continue
        if isinstance(value, list | tuple | dict):
            yield from _elements(name, value)
        else:
            yield name, value


def _elements(
    name: str, container: Any, seen: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Yields the elements of a container under the class name and a counter, as Keras does."""
    if id(container) in seen:
        return
    used: dict[str, int] = {}
    for value in container.values() if isinstance(container, dict) else container:
        if isinstance(value, keras.Variable):
            key = "variable"
        elif isinstance(value, internals.KerasSaveable):
            key = internals.snake_case(type(_unwrapped(value)).__name__)
        elif isinstance(value, list | tuple | dict):
            key = "container"
        else:
            continue
        count = used[key] = used.get(key, -1) + 1
        element = _join(name, f"{key}_{count}" if count else key)
        if key == "container":
            yield from _elements(element, value, seen | {id(container)})
        else:
            yield element, value


def _unwrapped(value: Any) -> Any:
    while is_wrapper(value):
        value = value.layer
    return value


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
