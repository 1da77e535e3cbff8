"""Masked models in files: `.keras`, weight files, copies, pickles."""

import copy
import pickle

import h5py
import keras
import numpy as np
import pytest

from keras_lottery import LotteryError, Masked, masking, toolkit

L = keras.layers
pytestmark = pytest.mark.backend

LOAD = """
import sys, warnings
warnings.simplefilter("error")
warnings.simplefilter("ignore", DeprecationWarning)
import keras, numpy as np, keras_lottery
from keras_lottery import masking
def check(folder, name):
    model = keras.saving.load_model(f"{folder}/{name}.keras")
    expected = np.load(f"{folder}/{name}.npz")
    out = model.predict(expected["x"], verbose=0)
    np.testing.assert_allclose(out, expected["out"], rtol=1e-5, atol=1e-6)
    masks = masking.get_masks(model)
    assert masks and all(np.array_equal(m, expected[p]) for p, m in masks.items())
    weights = masking.get_weights(model)
    assert all((weights[p][~m] == 0).all() for p, m in masks.items())
    iterations = int(model.optimizer.iterations)
    model.fit(expected["x"], expected["y"], verbose=0)
    assert int(model.optimizer.iterations) > iterations > 0
    weights = masking.get_weights(model)
    assert all((weights[p][~m] == 0).all() for p, m in masks.items())
    print("loaded", name, len(masks))
folder, *names = sys.argv[1:]
for name in names:
    if name == "nested":  # those before have no class of the user's own
        exec(SUBCLASSED)
    check(folder, name)
"""


@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = [L.Dense(units, "relu"), L.Dense(units, "relu")]
        self.recurrent = L.GRU(3)
        self.out = L.Dense(2)

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(self.recurrent(x))

    def get_config(self):
        return {"units": self.units, "name": self.name}


SUBCLASSED = """
import keras
from keras import layers as L
@keras.saving.register_keras_serializable("tests")
class Subclassed(keras.Model):
    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.hidden = [L.Dense(units, "relu"), L.Dense(units, "relu")]
        self.recurrent = L.GRU(3)
        self.out = L.Dense(2)

    def call(self, x):
        for layer in self.hidden:
            x = layer(x)
        return self.out(self.recurrent(x))

    def get_config(self):
        return {"units": self.units, "name": self.name}
"""


def sequential():
    return keras.Sequential([keras.Input((3, 4)), L.Bidirectional(L.LSTM(2)), L.Dense(2)])


def functional():
    inputs = keras.Input((3, 4))
    dense = L.Dense(4)
    x = L.BatchNormalization()(dense(dense(inputs)))
    x = L.MultiHeadAttention(2, 2)(x, x)
    return keras.Model(inputs, L.Dense(2)(L.GlobalAveragePooling1D()(x)))


def nested():
    inputs = keras.Input((3, 4))
    inner = keras.Sequential([keras.Input((3, 4)), L.TimeDistributed(L.Dense(4))])
    return keras.Model(inputs, Subclassed()(inner(inputs)))


def subclassed():
    model = Subclassed()
    model(np.zeros((1, 3, 4), "float32"))
    return model


def by_hand():
    layers = [keras.Input((3, 4)), Masked(L.GRU(3)), L.Dense(3), Masked(L.Dense(2), biases=True)]
    return keras.Sequential(layers)


MODELS = {
    "sequential": (sequential, 5),
    "functional": (functional, 6),
    "nested": (nested, 6),
    "subclassed": (subclassed, 5),
    "by_hand": (by_hand, 4),
}


def trained(name, random_masks, parametrization="zero", eager=True):
    """Returns a masked model after one `fit`, and its data.

    Args:
        eager: don't compile the step on TensorFlow, which would take longer than all else.
    """
    make, count = MODELS[name]
    model = make()
    if name != "by_hand":
        toolkit.mask(model, parametrization=parametrization)
    assert len(masking.get_masks(model)) == count
    masking.set_masks(model, random_masks(model))
    eager = eager and keras.config.backend() == "tensorflow"
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=eager)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(8, 3, 4)).astype("float32"), rng.normal(size=(8, 2)).astype("float32")
    model.fit(x, y, verbose=0)
    return model, x, y


def test_keras_files_load_in_a_fresh_process(tmp_path, random_masks, run_python):
    for name in MODELS:
        model, x, y = trained(name, random_masks, eager=name != "functional")
        model.save(tmp_path / f"{name}.keras")
        out = model.predict(x, verbose=0)
        np.savez(tmp_path / f"{name}.npz", x=x, y=y, out=out, **masking.get_masks(model))
    plain = sorted(MODELS, key=lambda name: name in ("nested", "subclassed"))
    said = run_python(f"SUBCLASSED = {SUBCLASSED!r}" + LOAD, tmp_path, *plain)
    assert [line for line in said.splitlines() if line.startswith("loaded")] == [
        f"loaded {name} {MODELS[name][1]}" for name in plain
    ]


def test_a_model_sliced_from_a_masked_one_loads_with_its_masks(tmp_path, random_masks):
    model, x, _ = trained("functional", random_masks)
    part = keras.Model(model.inputs, model.layers[-2].output)
    masks = masking.get_masks(part)
    assert len(masks) == 5
    part.save(tmp_path / "part.keras")
    loaded = keras.saving.load_model(tmp_path / "part.keras")
    assert masking.get_masks(loaded).keys() == masks.keys()
    assert all(np.array_equal(m, masks[p]) for p, m in masking.get_masks(loaded).items())
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), part.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_frozen_fills_are_saved(tmp_path, random_masks):
    model, x, _ = trained("functional", random_masks, "frozen")
    fills = {p: np.full(m.shape, 0.5, "float32") for p, m in masking.get_masks(model).items()}
    masking.set_masks(model, masking.get_masks(model), fills)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    found = masking.get_fills(loaded)
    assert found.keys() == fills.keys()
    assert all(np.array_equal(found[path], fill) for path, fill in fills.items())
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )


def test_masks_take_one_bit_a_weight_in_the_file(tmp_path, random_masks):
    model = toolkit.mask(keras.Sequential([keras.Input((10,)), L.Dense(10)]))
    masks = random_masks(model)
    masking.set_masks(model, masks)
    model.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5") as file:
        stored = np.asarray(file["layers/dense/_lottery_masks/vars/kernel"])
    assert stored.dtype == np.uint8 and stored.size == 13
    bits = np.unpackbits(stored, count=100, bitorder="little").reshape(10, 10)
    assert np.array_equal(bits.astype(bool), masks["layers/dense/kernel"])


def test_dense_weights_load_into_a_masked_model_and_are_pruned(tmp_path, mlp, random_masks):
    dense, model = mlp(), toolkit.mask(mlp())
    masks = random_masks(model)
    masking.set_masks(model, masks)
    dense.save_weights(tmp_path / "dense.weights.h5")
    model.load_weights(tmp_path / "dense.weights.h5")
    weights = masking.get_weights(dense)
    for path, value in masking.get_weights(model).items():
        assert np.array_equal(value, np.where(masks.get(path, True), weights[path], 0)), path
    assert all(np.array_equal(m, masks[p]) for p, m in masking.get_masks(model).items())


def test_dense_weights_load_into_a_plain_model_around_masked_layers(tmp_path, mlp, random_masks):
    dense, masked = mlp(), toolkit.mask(mlp())
    masks = random_masks(masked)
    masking.set_masks(masked, masks)
    around = keras.Model(masked.inputs, masked.outputs)
    dense.save_weights(tmp_path / "dense.weights.h5")
    around.load_weights(tmp_path / "dense.weights.h5")
    weights, loaded = masking.get_weights(dense), masking.get_weights(around)
    for path, mask in masks.items():
        assert np.array_equal(loaded[path], np.where(mask, weights[path], 0)), path


def test_weights_in_the_format_of_keras_2_are_refused(tmp_path, mlp):
    (dense := mlp()).save(tmp_path / "dense.h5")
    with pytest.raises(LotteryError, match=r"Received: '.*dense\.h5', .*dense model, and mask"):
        toolkit.mask(mlp()).load_weights(tmp_path / "dense.h5")
    dense.load_weights(tmp_path / "dense.h5")


def test_a_layer_of_which_another_one_holds_a_mask_is_saved_and_copied(tmp_path, random_masks):
    inner = L.Dense(5)  # SpectralNormalization owns its kernel, too
    model = keras.Sequential([keras.Input((6,)), L.SpectralNormalization(inner), L.Dense(3)])
    toolkit.mask(model, biases=True)
    masks = random_masks(model)
    masking.set_masks(model, masks)
    model.save(tmp_path / "model.keras")
    for twin in (keras.saving.load_model(tmp_path / "model.keras"), copy.deepcopy(model)):
        assert masking.get_masks(twin).keys() == masks.keys()
        assert all(np.array_equal(m, masks[p]) for p, m in masking.get_masks(twin).items())


def test_masked_weights_load_into_masked_and_dense_models(tmp_path, mlp, random_masks):
    source, model, dense = toolkit.mask(mlp()), toolkit.mask(mlp()), mlp()
    masks = random_masks(source)
    masking.set_masks(source, masks)
    masking.set_masks(model, random_masks(model, seed=7))
    source.save_weights(tmp_path / "a.weights.h5")
    model.load_weights(tmp_path / "a.weights.h5")
    dense.load_weights(tmp_path / "a.weights.h5")
    weights = masking.get_weights(source)
    assert all(np.array_equal(m, masks[p]) for p, m in masking.get_masks(model).items())
    for one in (model, dense):
        assert all(np.array_equal(w, weights[p]) for p, w in masking.get_weights(one).items())


def test_masks_of_another_shape_are_refused(tmp_path):
    small = toolkit.mask(keras.Sequential([keras.Input((4,)), L.Dense(4, use_bias=False)]))
    large = toolkit.mask(keras.Sequential([keras.Input((4,)), L.Dense(8, use_bias=False)]))
    small.save_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match="could not be loaded"):
        large.load_weights(tmp_path / "a.weights.h5")


@pytest.mark.parametrize("how", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_and_pickles_keep_masks_and_train(how, random_masks):
    model, x, y = trained("functional", random_masks)
    twin = how(model)
    masks = masking.get_masks(model)
    assert all(np.array_equal(m, masks[p]) for p, m in masking.get_masks(twin).items())
    np.testing.assert_allclose(
        twin.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5, atol=1e-6
    )
    before = masking.get_weights(model)
    twin.fit(x, y, verbose=0)
    weights = masking.get_weights(twin)
    assert all(np.all(weights[p][~m] == 0) for p, m in masks.items())
    assert all(np.array_equal(w, before[p]) for p, w in masking.get_weights(model).items())


def test_a_model_stays_masked_while_its_config_is_made():
    """Another thread that calls the model meanwhile reads its weights under the masks."""
    seen = []

    class Observed(keras.Sequential):
        def get_config(self):
            seen.append(type(model))
            return super().get_config()

    model = toolkit.mask(Observed([keras.Input((3,)), L.Dense(2)]))
    config = model.get_config()
    assert seen == [type(model)] and type(model) is not Observed
    assert config["keras_lottery_masks"]["class_name"] == "Observed"


def test_clone_model_gives_full_masks(random_masks):
    model, x, y = trained("functional", random_masks)
    clone = keras.models.clone_model(model)
    masks = masking.get_masks(clone)
    assert masks.keys() == masking.get_masks(model).keys()
    assert all(mask.all() for mask in masks.values())
    clone.fit(x, y, verbose=0)


def test_a_copy_is_masked_where_asked(random_masks):
    plain = functional()
    plain.compile("adam", "mse")
    classes = [type(part) for part in (plain, *plain.layers)]
    model = toolkit.mask(plain, in_place=False)
    assert masking.is_masked(model) and not masking.is_masked(plain)
    assert [type(part) for part in (plain, *plain.layers)] == classes
    x = np.ones((2, 3, 4), "float32")
    np.testing.assert_allclose(model.predict(x, verbose=0), plain.predict(x, verbose=0), rtol=1e-5)
    model.fit(x, np.ones((2, 2)), verbose=0)


class NoConfig(keras.Model):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def call(self, x):
        return self.layer(x)


def test_what_cannot_be_copied_is_masked_in_place_only():
    model = NoConfig(L.Dense(2))
    model(np.zeros((1, 3)))
    with pytest.raises(LotteryError, match="in_place=True"):
        toolkit.mask(model, in_place=False)
    toolkit.mask(model)
    with pytest.raises(LotteryError, match="effective_weights"):
        masking.strip(model)
