"""Structural paths: the same in every build, process and backend."""

import h5py
import keras
import numpy as np
import pytest

from keras_lottery import LotteryError, masking, toolkit
from tests.keras_features import saves_nested_lists

L = keras.layers
pytestmark = pytest.mark.backend


class Block(L.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.inner = L.Dense(units)
        self.more = [L.Dense(units), L.Dense(units), [L.LayerNormalization()]]

    def build(self, shape):
        self.inner.build(shape)
        for layer in (*self.more[:2], self.more[2][0]):
            layer.build(shape)
        self.scale = self.add_weight(shape=(1,), name="a_name_that_does_not_matter")
        self.pair = [self.add_weight(shape=(2,)), self.add_weight(shape=(2,))]

    def call(self, x):
        for layer in (self.inner, *self.more[:2], self.more[2][0]):
            x = layer(x)
        return x * self.scale + keras.ops.sum(self.pair[0] * self.pair[1])


def nested():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(4), L.Dropout(0.5)])
    inputs = keras.Input((4,))
    shared = L.Dense(4)
    x = shared(shared(inner(inputs)))
    x = Block(4)(x)
    x = L.Bidirectional(L.LSTM(2, dropout=0.5))(L.Reshape((2, 2))(x))
    return keras.Model(inputs, x)


NESTED = [
    "layers/sequential/layers/dense/bias",
    "layers/sequential/layers/dense/kernel",
    "layers/dense/bias",
    "layers/dense/kernel",
    "layers/block/pair/variable",
    "layers/block/pair/variable_1",
    "layers/block/scale",
    "layers/block/inner/bias",
    "layers/block/inner/kernel",
    "layers/block/more/dense/bias",
    "layers/block/more/dense/kernel",
    "layers/block/more/dense_1/bias",
    "layers/block/more/dense_1/kernel",
    "layers/block/more/container/layer_normalization/beta",
    "layers/block/more/container/layer_normalization/gamma",
    *(
        f"layers/bidirectional/{way}_layer/cell/{name}"
        for way in ("backward", "forward")
        for name in ("bias", "kernel", "recurrent_kernel")
    ),
]


def test_every_variable_has_its_place_in_the_model():
    # Literal, so that running this on each backend shows that they agree.
    assert list(masking.variables(nested())) == NESTED


def test_two_builds_agree_though_keras_names_differ():
    first, second = nested(), nested()
    assert [v.path for v in first.weights] != [v.path for v in second.weights]
    assert list(masking.variables(first)) == list(masking.variables(second))


def test_another_process_agrees(run_python):
    code = """
import keras, keras_lottery.masking as masking
m = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2), keras.layers.Dense(2)])
print(*masking.variables(m))
"""
    model = keras.Sequential([keras.Input((3,)), L.Dense(2), L.Dense(2)])
    assert run_python(code).split() == list(masking.variables(model))


def test_masking_and_compiling_change_no_path():
    model = nested()
    toolkit.mask(model)
    eager = keras.config.backend() == "tensorflow"  # which would compile for long
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=eager)
    model.fit(np.zeros((2, 4)), np.zeros((2, 4)), verbose=0)
    assert list(masking.variables(model)) == NESTED


def test_every_weight_is_covered_once():
    model = nested()
    ours = [id(v) for v in masking.variables(model).values()]
    assert sorted(ours) == sorted({id(v) for v in model.weights})
    seeds = [id(v) for v in masking.seed_generators(model).values()]
    assert {*ours, *seeds} == {id(v) for v in model.variables}


def test_seed_generators_have_paths():
    assert list(masking.seed_generators(nested())) == [
        "layers/sequential/layers/dropout/seed_generator",
        "layers/bidirectional/backward_layer/cell/seed_generator",
        "layers/bidirectional/forward_layer/cell/seed_generator",
    ]


def test_paths_are_groups_of_keras_own_weight_file(tmp_path):
    model = nested()
    model.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5") as file:
        for path in masking.variables(model):
            owner = path.rsplit("/", 1)[0].removesuffix("/pair")
            saved = saves_nested_lists or "/container/" not in path
            assert (f"{owner}/vars" in file) == saved, path


class Subclassed(keras.Model):
    def __init__(self):
        super().__init__()
        self.zeta = L.Dense(2)
        self._hidden = L.Dense(2)
        self.by_name = {"b": L.Dense(2), "a": L.Dense(2)}

    def call(self, x):
        return self.by_name["a"](self.by_name["b"](self._hidden(self.zeta(x))))


def test_attributes_name_the_layers_of_a_subclassed_model():
    model = Subclassed()
    model(np.zeros((1, 3)))
    assert [p for p in masking.variables(model) if p.endswith("kernel")] == [
        "by_name/dense/kernel",
        "by_name/dense_1/kernel",
        "zeta/kernel",
        "_hidden/kernel",
    ]


def test_a_variable_without_attribute_gets_its_index():
    class Anonymous(L.Layer):
        def build(self, shape):
            self.add_weight(shape=(2,))

        def call(self, x):
            return x

    model = keras.Sequential([keras.Input((2,)), Anonymous()])
    assert list(masking.variables(model)) == ["layers/anonymous/variables/0"]


def test_a_tied_variable_appears_once():
    class Head(L.Layer):
        def __init__(self, embedding):
            super().__init__()
            self.embedding = embedding

        def call(self, x):
            return keras.ops.matmul(x, keras.ops.transpose(self.embedding.embeddings))

    inputs = keras.Input((3,), dtype="int32")
    embedding = L.Embedding(7, 2)
    model = keras.Model(inputs, Head(embedding)(embedding(inputs)))
    assert list(masking.variables(model)) == ["layers/embedding/embeddings"]


def test_a_model_that_is_not_built_is_refused():
    with pytest.raises(LotteryError, match="built"):
        masking.variables(keras.Sequential([L.Dense(2)]))
