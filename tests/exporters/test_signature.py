"""Inputs by name: from dicts, from the user's tensor names, else numbered."""

import keras
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.exporters.signature import (
    Signature,
    given_batch,
    left_out,
    map_leaves,
    named,
    random_batch,
    signature_of,
)


class Pair(keras.Model):
    """Takes a dict, knows nothing of its inputs until it is called."""

    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(2)

    def call(self, inputs):
        return self.inner(inputs["left"]) + self.inner(inputs["right"])


class Refusing:
    """Like a tensor with gradients, no array."""

    def __array__(self, *_, **__):
        raise RuntimeError("no numbers")


def names(model, example=None):
    return [(spec.name, str(spec)) for spec in signature_of(model, example).inputs]


def test_a_single_unnamed_input_is_called_inputs():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    assert names(model) == [("inputs", "(None, 4) float32")]


def test_names_that_the_user_gave_stay():
    left, right = keras.Input((4,), name="left"), keras.Input((None,), dtype="int32", name="ids")
    outputs = keras.layers.Dense(2)(left), keras.layers.Embedding(5, 2)(right)
    model = keras.Model([left, right], outputs)
    assert names(model) == [("left", "(None, 4) float32"), ("ids", "(None, None) int32")]


def test_unnamed_inputs_of_a_list_are_numbered():
    inputs = [keras.Input((4,)), keras.Input((2,))]
    model = keras.Model(inputs, keras.layers.Concatenate()(inputs))
    assert [name for name, _ in names(model)] == ["input_0", "input_1"]


def test_the_keys_of_a_dict_are_the_names():
    model = Pair()
    model({"left": np.ones((2, 3), "float32"), "right": np.ones((2, 3), "float32")})
    assert names(model) == [("left", "(None, 3) float32"), ("right", "(None, 3) float32")]


def test_a_fixed_batch_size_stays():
    model = keras.Sequential([keras.Input((4,), batch_size=8), keras.layers.Dense(2)])
    assert names(model) == [("inputs", "(8, 4) float32")]
    assert random_batch(signature_of(model), length=1, high=2)["inputs"].shape == (8, 4)


def test_a_model_that_is_not_built_is_an_error():
    with pytest.raises(LotteryError, match="Expected a built model"):
        signature_of(keras.Sequential([keras.layers.Dense(2)]))


def test_a_random_batch_has_the_types_and_bounds_of_the_inputs():
    inputs = {
        "ids": keras.Input((None,), dtype="int32", name="ids"),
        "keep": keras.Input((2,), dtype="bool", name="keep"),
    }
    model = keras.Model(inputs, [keras.ops.cast(one, "float32") for one in inputs.values()])
    batch = random_batch(signature_of(model), length=50, high=5)
    assert batch["ids"].dtype == np.int32 and batch["ids"].shape == (3, 50)
    assert set(np.unique(batch["ids"])) == {0, 1, 2, 3, 4}
    assert batch["keep"].dtype == np.bool_ and batch["keep"].shape == (3, 2)


def test_a_given_batch_must_have_every_input():
    inputs = [keras.Input((4,)), keras.Input((2,))]
    signature = signature_of(keras.Model(inputs, keras.layers.Concatenate()(inputs)))
    batch = given_batch(signature, [np.ones((1, 4)), np.ones((1, 2))])
    assert {name: value.dtype for name, value in batch.items()} == {
        "input_0": np.float32,
        "input_1": np.float32,
    }
    for wrong, received in ((np.ones((1, 4)), "ndarray"), ([np.ones((1, 4))], "1 arrays")):
        with pytest.raises(LotteryError, match=rf"2 inputs .* Received: {received}"):
            given_batch(signature, wrong)


def test_a_given_dict_is_matched_by_its_keys():
    left, right = np.zeros((2, 3), "float32"), np.ones((2, 3), "float32")
    model = Pair()
    model({"left": left, "right": right})
    signature = signature_of(model)
    batch = given_batch(signature, {"right": right, "left": left})
    assert np.array_equal(batch["left"], left) and np.array_equal(batch["right"], right)
    with pytest.raises(LotteryError, match="Received: a dict of left, wrong"):
        given_batch(signature, {"left": left, "wrong": right})
    inputs = [keras.Input((3,), name="a"), keras.Input((3,), name="b")]
    signature = signature_of(keras.Model(inputs, keras.layers.Add()(inputs)))
    batch = given_batch(signature, {"b": right, "a": left})  # Keras takes names for a list, too
    assert np.array_equal(batch["a"], left) and np.array_equal(batch["b"], right)


def test_a_given_batch_keeps_its_values():
    model = keras.Sequential([keras.Input((2,), dtype="int32"), keras.layers.Embedding(5, 2)])
    signature = signature_of(model)
    assert given_batch(signature, [[1, 2], [3, 4]])["inputs"].dtype == np.int32
    for wrong, received in (
        (np.array([[0.5, 1.0]]), "float64 instead of int32"),
        (np.array([["a", "b"]]), "of dtype <U1"),
        (np.array([[1, 2**40]]).astype("uint64"), "uint64 instead of int32"),
        (Refusing(), "Refusing, no numbers"),
    ):
        with pytest.raises(LotteryError, match=f"Received: .*{received}"):
            given_batch(signature, wrong)


def test_outputs_are_named_by_their_place():
    structure = {"scores": 1, "parts": [2, {"x": 3}]}
    assert named(structure, "output") == {"scores": 1, "parts_0": 2, "parts_1_x": 3}
    assert named(7, "output") == {"outputs": 7}
    assert named((7, 8), "output") == {"output_0": 7, "output_1": 8}


def test_names_are_ascii_and_start_with_a_letter():
    model = keras.Sequential([keras.Input((4,), name="größe"), keras.layers.Dense(2)])
    assert names(model) == [("gr__e", "(None, 4) float32")]
    assert named({"ö": 1, "_a": 2, "3": 3}, "output") == {"output": 1, "a": 2, "output_3": 3}


def test_colliding_names_are_made_unique():
    assert list(named({"a b": 1, "a.b": 2}, "output")) == ["a_b", "a_b_1"]


def test_a_signature_goes_through_json():
    inputs = {"a": keras.Input((4,), name="a"), "b": keras.Input((2,), name="b")}
    signature = signature_of(keras.Model(inputs, keras.layers.Concatenate()(list(inputs.values()))))
    assert Signature.from_json(signature.as_json()) == signature
    assert signature.arguments == [{"a": 0, "b": 1}]


def test_leaves_are_mapped_in_lists_and_dicts():
    assert map_leaves(lambda n: n + 1, {"a": (1, [2])}) == {"a": [2, [3]]}


def test_a_batch_has_examples():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(LotteryError, match=r"one example or more. Received: .*\(0, 4\)"):
        given_batch(signature_of(model), np.ones((0, 4)))


class Pooled(keras.Model):
    """Takes which steps are valid, or none."""

    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(2)

    def call(self, x, valid=None, training=None):
        x = self.inner(x)
        return keras.ops.sum(x if valid is None else x * valid[..., None], axis=1)


def test_arguments_by_name_are_those_of_the_call():
    model, x, valid = Pooled(), np.ones((2, 3, 4), "float32"), np.ones((2, 3), "float32")
    model(x, valid=valid)
    alone, both = signature_of(model), signature_of(model, {"x": x, "valid": valid})
    assert left_out(model, alone) == ["valid"] and left_out(model, both) == []
    assert [i.name for i in both.inputs] == ["x", "valid"]
    batch = given_batch(both, {"valid": valid, "x": x})
    assert [part.shape for part in both.bind(batch)] == [(2, 3, 4), (2, 3)]
    with pytest.raises(LotteryError, match=r"first arguments .*x, valid.*Received: valid"):
        signature_of(model, {"valid": valid})


@pytest.mark.parametrize("policy", ["float32", "mixed_float16"])
def test_inputs_of_which_only_the_shape_is_known_are_not_rounded(policy):
    class Words(keras.Model):
        def __init__(self):
            super().__init__(dtype=policy)
            self.inner = [keras.layers.Embedding(3000, 4, dtype=policy)]

        def call(self, ids):
            return keras.ops.sum(self.inner[0](ids), axis=1)

    (words := Words())(np.full((2, 3), 2999))
    (numbers := Pair())({name: np.ones((2, 3), "float32") for name in ("left", "right")})
    assert [i.dtype for i in signature_of(words).inputs] == ["int32"]
    assert [i.dtype for i in signature_of(numbers).inputs] == ["float32", "float32"]
