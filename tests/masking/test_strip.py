"""A stripped model is a plain one that computes the same."""

import keras
import numpy as np
import pytest

from keras_lottery import LotteryError, Masked, masking, toolkit

L = keras.layers
pytestmark = pytest.mark.backend


class Own(keras.Model):  # not registered: a strip needs no registration
    def __init__(self, units):
        super().__init__()
        self.units = units
        self.first = L.Dense(units, "relu")
        self.second = L.LSTM(2)

    def call(self, x):
        return self.second(self.first(x))

    def get_config(self):
        return {"units": self.units}


def own():
    model = Own(4)
    model(np.zeros((1, 3, 4), "float32"))
    return model


def functional():
    inputs = keras.Input((3, 4))
    inner = keras.Sequential([keras.Input((3, 4)), L.Dense(4), L.Lambda(lambda x: x * 2)])
    x = L.Bidirectional(L.GRU(2))(inner(inner(inputs)))
    return keras.Model(inputs, [L.Dense(2)(x), L.Dense(1)(x)])


def by_hand():
    inputs = keras.Input((3, 4))
    shared = Masked(L.Dense(4))
    x = Masked(L.MultiHeadAttention(2, 2))(shared(shared(inputs)), inputs)
    return keras.Model(inputs, L.Flatten()(x))


@pytest.mark.parametrize("parametrization", ["zero", "frozen"])
@pytest.mark.parametrize("make", [own, functional, by_hand])
def test_strip(make, parametrization, random_masks, tmp_path):
    model = make()
    toolkit.mask(model, parametrization=parametrization)
    masks = random_masks(model)
    fills = {p: np.full(m.shape, 0.3, "float32") for p, m in masks.items()}
    masking.set_masks(model, masks, fills if parametrization == "frozen" else None)
    before = masking.get_weights(model)
    plain = masking.strip(model)

    assert not masking.is_masked(plain)
    names = {t.__module__ for one in plain._flatten_layers() for t in type(one).__mro__}
    assert not [name for name in names if name.startswith("keras_lottery")]
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    ours, theirs = model.predict(x, verbose=0), plain.predict(x, verbose=0)
    for a, b in zip(keras.tree.flatten(ours), keras.tree.flatten(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    weights = masking.get_weights(plain)
    assert weights.keys() == before.keys()
    for path, mask in masks.items():
        fill = 0 if parametrization == "zero" else np.float32(0.3)
        assert np.all(weights[path][~mask] == fill)
    assert masking.is_masked(model)
    assert all(np.array_equal(w, before[p]) for p, w in masking.get_weights(model).items())


def test_strip_of_a_plain_model_is_a_copy(mlp):
    model = mlp()
    plain = masking.strip(model)
    assert plain is not model
    weights = masking.get_weights(model)
    assert all(np.array_equal(w, weights[p]) for p, w in masking.get_weights(plain).items())


def test_an_unbuilt_model_is_refused():
    with pytest.raises(LotteryError, match="built"):
        masking.strip(keras.Sequential([L.Dense(2)]))


@keras.saving.register_keras_serializable("tests")
class LowRank(keras.layers.Layer):
    """A layer whose own setting has the name of Keras' LoRA."""

    def __init__(self, units, lora_rank=4, **kwargs):
        super().__init__(**kwargs)
        self.units, self.lora_rank = units, lora_rank

    def build(self, shape):
        self.a = self.add_weight(shape=(shape[-1], self.lora_rank), name="a")
        self.b = self.add_weight(shape=(self.lora_rank, self.units), name="b")

    def call(self, x):
        return x @ self.a @ self.b

    def get_config(self):
        return super().get_config() | {"units": self.units, "lora_rank": self.lora_rank}


def test_a_setting_named_like_keras_lora_stays():
    model = keras.Sequential([keras.Input((4,)), LowRank(3, lora_rank=2), keras.layers.Dense(2)])
    stripped = masking.strip(model)
    assert stripped.layers[0].lora_rank == 2
    for one, other in zip(model.get_weights(), stripped.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
