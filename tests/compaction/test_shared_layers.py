"""Layers that are called several times, and nested models."""

import keras
import pytest

import keras_lottery as kl
from tests.compaction.test_dead_units import edit, functional, off, shapes

pytestmark = pytest.mark.backend
L = keras.layers


def test_shared_and_nested_layers_and_several_inputs():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    shared = L.Dense(6, activation="relu", name="shared")
    z = keras.Input((6,))
    inner = keras.Model(z, L.Dense(5, name="inner")(L.Dense(7, name="deep")(z)), name="nested")
    total = L.Average()([inner(shared(a)), inner(shared(b))])
    model = functional([a, b], L.Dense(2, name="last")(total))
    deep, last = model.get_layer("nested").get_layer("deep"), model.get_layer("last")
    off(model.get_layer("shared"), units=[0])
    edit(deep, kernel=((..., 2), 0))  # constant: its bias stays
    edit(last, kernel=((4, slice(None)), 0))
    small = kl.compact(model)
    assert shapes(small, "shared") == [(4, 5), (5,)]
    assert shapes(small.get_layer("nested"), "deep") == [(5, 6), (6,)]
    assert shapes(small.get_layer("nested"), "inner") == [(6, 4), (4,)]


@pytest.mark.parametrize("silenced", [0, 2])
@pytest.mark.parametrize("fixed_first", [True, False])
def test_a_shared_layer_that_reads_an_axis_without_units_in_one_call(fixed_first, silenced):
    x = keras.Input((5, 5))
    swap, shared = L.Permute((2, 1)), L.Dense(5, name="shared")  # swapped, the last axis has none
    y = shared(swap(x)) if fixed_first else swap(x)
    y = L.Dense(6, activation="relu", name="hidden")(y)
    y = shared(L.Dense(5, name="between")(y))
    model = functional(x, y if fixed_first else shared(swap(y)))
    off(model.get_layer("hidden"), units=range(silenced))
    small = kl.compact(model)
    assert shapes(small, "hidden") == [(5, 6 - silenced), (6 - silenced,)]
    assert shapes(small, "between") == [(6 - silenced, 5), (5,)]


@pytest.mark.parametrize(
    "build",
    [lambda: L.Reshape((1, 1, 6)), lambda: L.GroupNormalization(3, scale=False, center=False)],
    ids=["reshape", "groups"],
)
def test_a_shared_layer_without_weights_loses_what_is_dead_in_all_calls(build):
    x, shared = keras.Input((3,)), build()
    parts = [shared(L.Dense(6, name=name)(x)) for name in ("first", "second")]
    model = functional(x, L.Dense(2)(L.Flatten()(L.Concatenate()(parts))))
    off(model.get_layer("first"), units=[0, 1, 2, 3])
    off(model.get_layer("second"), units=[2, 3, 4, 5])
    small = kl.compact(model)
    assert shapes(small, "first") == shapes(small, "second") == [(3, 4), (4,)]
