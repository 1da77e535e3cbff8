"""Compacting a model: a smaller model with equivalent outputs."""

import keras

from keras_lottery.compaction.composites import give_class
from keras_lottery.compaction.dead import kept_units
from keras_lottery.compaction.graph import Graph, Plan
from keras_lottery.compaction.report import attach, sizes
from keras_lottery.compaction.resize import resize
from keras_lottery.compaction.trace import trace
from keras_lottery.compaction.verify import check_equal
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import strip
from keras_lottery.masking.live_objects import live_objects
from keras_lottery.masking.paths import layer_paths

__all__ = ["compact", "dependency_graph"]


def compact(model: keras.Model, strict: bool = False) -> keras.Model:
    """Returns a smaller model with equivalent outputs, without dead units.

    A unit (channel, neuron, head) is dead if no surviving weight reads it, or if its output is
    constant (the constant is folded into the next bias). Coupled units, such as the channels of a
    residual stream, are removed together. Unstructured sparsity leaves few dead units: prune
    channels for speed.

    Args:
        model: masked or plain; unchanged.
        strict: raise an error for an operation without a rule, instead of keeping its channels.

    Returns:
        A plain model, not compiled. Functional and sequential models are rebuilt from their
        config; composite layers and subclassed models keep their class, with smaller layers.

    Raises:
        LotteryError: the model is not built or can't be rebuilt from its config, an operation has
            no rule (`strict=True`), or the outputs differ by more than 1e-5 of the largest output
            (2e-2 in float16, 1e-1 in bfloat16).

    Example:
        >>> small = kl.compact(model)
        >>> print(kl.compaction_report(small))
    """
    if not isinstance(model, keras.Model):
        raise LotteryError(
            f"Expected a Keras model. Received: {type(model).__name__}. Pass a built keras.Model."
        )
    plain = strip(model)
    small = strip(plain)
    graph = trace(small)
    if strict and graph.unknown:
        raise LotteryError(
            "Expected rules for all operations, because of strict=True. Received: "
            f"{'; '.join(graph.unknown)}. Register one with register_compaction_rule, or pass "
            "strict=False to keep its channels."
        )
    kept = kept_units(graph)
    with live_objects(small) as objects, keras.saving.custom_object_scope(objects):
        small = _shrink(small, graph, resize(graph, kept))
    attach(small, sizes(graph, kept, plain, small, check_equal(model, small, graph)))
    return small


def dependency_graph(model: keras.Model) -> Graph:
    """Returns the dependency graph of a model; `Graph.groups` lists its coupled channels.

    Args:
        model: masked or plain; the graph uses its structural paths.

    Raises:
        LotteryError: the model is not built, or its code doesn't run on symbolic tensors.
    """
    return trace(strip(model))


def _shrink(small: keras.Model, graph: Graph, changed: list[Plan]) -> keras.Model:
    """Returns a model that can be saved, after its layers have shrunk in place."""
    if not changed:
        return small
    _name_composites(small, {id(plan.layer) for plan in changed})
    internals.retrack(small)
    return strip(small) if _is_plain(small) else small  # rebuilt for its symbolic shapes


def _name_composites(layer: keras.Layer, shrunk: set[int]) -> None:
    """Makes composite layers save the shrunk layers inside, which their config doesn't list."""
    if id(layer) in shrunk:
        return
    if _is_plain(layer) or _is_wrapper(layer):
        for inner in internals.sublayers(layer):
            _name_composites(inner, shrunk)
        return
    inside: dict[str, None] = {}
    handled: set[int] = set()
    for path, inner in layer_paths(layer):
        if id(inner) in handled:
            continue
        below = _tree(inner)
        if id(inner) in shrunk:
            inside[path] = None
        elif inner is not layer and _is_plain(inner) and below & shrunk:
            if _is_shared(inner, layer):
                continue  # a copy wouldn't share its layers
            _name_composites(inner, shrunk)
            handled |= below
            internals.transplant(inner, strip(inner))  # rebuilt for its symbolic shapes
            inside[path] = None
    if inside:
        give_class(layer, inside)


def _tree(layer: keras.Layer) -> set[int]:
    return set(map(id, internals.flatten_layers(layer)))


def _is_shared(model: keras.Layer, outer: keras.Layer) -> bool:
    """Returns True if another part of `outer`, neither in it nor around it, shares layers."""
    below = _tree(model)
    others = [layer for layer in internals.flatten_layers(outer) if id(layer) not in below]
    trees = [_tree(layer) for layer in others]
    return any(id(model) not in tree and tree & below for tree in trees)


def _is_wrapper(layer: keras.Layer) -> bool:
    """Returns True for wrappers of Keras, whose config contains the wrapped layer."""
    return isinstance(layer, keras.layers.Wrapper) and type(layer).__module__.startswith("keras.")


def _is_plain(layer: keras.Layer) -> bool:
    """Returns True for models whose config lists their layers."""
    return type(layer) is keras.Sequential or internals.is_plain_functional(layer)
