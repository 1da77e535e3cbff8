"""The structural path of every variable: its place in the model, as in Keras' own weight files.

`variable.path` of Keras is built from automatic names: the same model built twice gives `dense`
and `dense_2`, and two sublayers can share a path. The structural path depends on attributes and
on positions in containers alone, so two builds, processes and backends agree on it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any
from weakref import WeakKeyDictionary

import keras

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.mask_layer import MaskHolder, holder_of, is_wrapper

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

    Masks, metrics, the optimizer, the states of seed generators and what a network carries from
    batch to batch are not among them; a variable that is reached in several ways appears once,
    under its first path.

    Raises:
        LotteryError: the model is not built, or two variables come to the same path.
    """
    check_built(layer)
    return dict(_remembered(layer, "variables", _variables))


def seed_generators(layer: keras.Layer) -> dict[str, keras.Variable]:
    """Returns the state of every seed generator by its structural path."""
    check_built(layer)
    return dict(_remembered(layer, "seed_generators", _seed_generators))


def carried(layer: keras.Layer) -> dict[str, keras.Variable]:
    """Returns what training carries from batch to batch, by structural path.

    That is `of_training()` of each sublayer whose class has `carries_state = True`.
    """
    check_built(layer)
    return dict(_remembered(layer, "carried", _carried))


# What a walk over a model found: it takes milliseconds and an experiment asks all the time.
_found: WeakKeyDictionary[keras.Layer, dict[str, tuple[Any, dict[str, keras.Variable]]]] = (
    WeakKeyDictionary()
)


def _remembered(
    layer: keras.Layer, what: str, walk: Callable[[keras.Layer], dict[str, keras.Variable]]
) -> dict[str, keras.Variable]:
    """Walks a model again only where its variables have changed since."""
    signature = [id(v) for v in layer.variables]
    known = _found.setdefault(layer, {})
    if what not in known or known[what][0] != signature:
        known[what] = signature, walk(layer)
    return known[what][1]


def _variables(layer: keras.Layer) -> dict[str, keras.Variable]:
    return by_path((p, variable) for p, _, _, variable in named_variables(layer_paths(layer)))


def by_path(pairs: Iterable[tuple[str, keras.Variable]]) -> dict[str, keras.Variable]:
    """Returns variables by path.

    Raises:
        LotteryError: two have the same path.
    """
    found: dict[str, keras.Variable] = {}
    for path, variable in pairs:
        if path in found:
            raise LotteryError(
                f"Expected one variable a path. Received: two at {path!r}. Keep them in attributes "
                "of different names, or in one list."
            )
        found[path] = variable
    return found


def _seed_generators(layer: keras.Layer) -> dict[str, keras.Variable]:
    states: dict[str, keras.Variable] = {}
    seen: set[int] = set()
    for path, owner in _walk(layer):
        for name, thing in _named_elements(owner):
            if isinstance(thing, keras.random.SeedGenerator) and id(thing) not in seen:
                seen.add(id(thing))
                states[_join(path, name)] = thing.state
        holder = holder_of(owner) if isinstance(owner, keras.Layer) else None
        if holder is not None and holder.seed_generator is not None:
            states[_join(path, "masks/seed_generator")] = holder.seed_generator.state
    return states


def _carried(layer: keras.Layer) -> dict[str, keras.Variable]:
    return {
        _join(path, f"carried/{index}"): variable
        for path, owner in layer_paths(layer)
        for held in internals.sublayers(owner)
        if _carries(held)
        for index, variable in enumerate(held.of_training())
    }


def _carries(layer: object) -> bool:
    """Returns True for a layer that holds what a network carries from batch to batch."""
    return bool(getattr(type(layer), "carries_state", False))


def check_built(layer: keras.Layer) -> None:
    """Raises where a model or layer has no variables yet because it has not seen a shape."""
    if not layer.built:
        raise LotteryError(
            f"Expected a model that is built, so that its weights exist. Received: {layer.name!r}, "
            "which is not. Call it on a batch, or call its build(input_shape), first."
        )


def named_variables(
    layers: Iterable[tuple[str, keras.Layer]],
) -> Iterator[tuple[str, keras.Layer, str, keras.Variable]]:
    """Yields (path, owning layer, attribute, variable) of what `layer_paths` gave, each once."""
    seen: set[int] = set()
    for path, owner in layers:
        own = {id(v) for v in internals.own_variables(owner)}
        for name, thing in _named_elements(owner):
            if isinstance(thing, keras.Variable) and id(thing) in own and id(thing) not in seen:
                seen.add(id(thing))
                yield _join(path, name), owner, name, thing
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
    for name, thing in _named_elements(owner):
        if _is_inner(thing):
            yield from _walk(thing, _join(path, name), seen)
    if isinstance(owner, keras.Layer):  # kept where attributes do not reach, e.g. in a set
        for name, thing in _elements("sublayers", internals.sublayers(owner)):
            if _is_inner(thing):
                yield from _walk(thing, _join(path, name), seen)


def _is_inner(thing: object) -> bool:
    """Returns True for what a model's variables can be found in."""
    if isinstance(thing, MaskHolder) or _carries(thing) or internals.is_metric(thing):
        return False
    return isinstance(thing, keras.Layer)


def _named_elements(owner: internals.KerasSaveable) -> Iterator[tuple[str, Any]]:
    """Yields what the attributes hold, with the elements of containers one by one."""
    by_layers = isinstance(owner, keras.Sequential) or internals.is_functional(owner)
    for name, thing in internals.attributes(owner):
        if name.startswith(internals.hidden_name("")):
            continue
        if name == "layers" and not by_layers:  # a subclassed model's attributes say more
            continue
        if isinstance(thing, list | tuple | dict):
            yield from _elements(name, thing)
        else:
            yield name, thing


def _elements(
    name: str, container: Any, seen: frozenset[int] = frozenset()
) -> Iterator[tuple[str, Any]]:
    """Yields the elements of a container under the class name and a counter, as Keras does."""
    if id(container) in seen:
        return
    used: dict[str, int] = {}
    for thing in container.values() if isinstance(container, dict) else container:
        if isinstance(thing, keras.Variable):
            key = "variable"
        elif isinstance(thing, internals.KerasSaveable):
            key = internals.snake_case(type(_unwrapped(thing)).__name__)
        elif isinstance(thing, list | tuple | dict):
            key = "container"
        else:
            continue
        count = used[key] = used.get(key, -1) + 1
        place = _join(name, f"{key}_{count}" if count else key)
        if key == "container":
            yield from _elements(place, thing, seen | {id(container)})
        else:
            yield place, thing


def _unwrapped(thing: Any) -> Any:
    while is_wrapper(thing):
        thing = thing.layer
    return thing


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name
