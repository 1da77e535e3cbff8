"""Masks and weights by path: strict, whole, and without sharing memory."""

import keras
import numpy as np
import pytest

from keras_lottery import LotteryError, masking, toolkit
from keras_lottery.masking import state

L = keras.layers
pytestmark = pytest.mark.backend


def test_masking_starts_full_and_changes_nothing(mlp, data):
    model = mlp()
    before, out = masking.get_weights(model), model.predict(data[0], verbose=0)
    assert toolkit.mask(model) is model
    assert isinstance(model, keras.Model)
    assert masking.get_masks(model).keys() == {
        f"layers/{name}/kernel" for name in ("dense", "dense_1", "dense_2")
    }
    assert all(mask.dtype == bool and mask.all() for mask in masking.get_masks(model).values())
    assert np.array_equal(model.predict(data[0], verbose=0), out)
    assert all(np.array_equal(w, before[p]) for p, w in masking.get_weights(model).items())


def test_masking_again_adds_and_keeps(mlp, random_masks):
    model = toolkit.mask(mlp(), include="*/dense/*")
    masks = random_masks(model)
    masking.set_masks(model, masks)
    toolkit.mask(model, include="*/dense/*")
    toolkit.mask(model, biases=True)
    found = masking.get_masks(model)
    assert len(found) == 6
    assert np.array_equal(found["layers/dense/kernel"], masks["layers/dense/kernel"])


def test_set_masks_is_strict_and_fills_up(mlp, random_masks):
    model = mlp()
    with pytest.raises(LotteryError, match=r"Call kl\.mask"):
        masking.set_masks(model, {"layers/dense/kernel": np.ones((6, 5), bool)})
    model = toolkit.mask(model)
    masks = random_masks(model)
    masking.set_masks(model, masks)
    with pytest.raises(LotteryError, match="nowhere"):
        masking.set_masks(model, {"nowhere": np.ones(3, bool)})
    with pytest.raises(LotteryError, match="shape"):
        masking.set_masks(model, {"layers/dense/kernel": np.ones(3, bool)})
    with pytest.raises(LotteryError, match="frozen"):
        masking.set_masks(model, {}, {"layers/dense/kernel": np.ones((6, 5))})
    masking.set_masks(model, {})
    assert all(mask.all() for mask in masking.get_masks(model).values())


def test_a_refused_set_of_masks_changes_nothing(mlp, random_masks):
    model = toolkit.mask(mlp())
    masks, weights = masking.get_masks(model), masking.get_weights(model)
    wrong = {**random_masks(model), "layers/dense_2/kernel": np.ones(3, bool)}
    with pytest.raises(LotteryError, match="dense_2"):
        masking.set_masks(model, wrong)
    assert all(np.array_equal(m, masks[p]) for p, m in masking.get_masks(model).items())
    assert all(np.array_equal(w, weights[p]) for p, w in masking.get_weights(model).items())


def test_set_weights_is_strict(mlp):
    model = mlp()
    weights = masking.get_weights(model)
    missing = {p: w for p, w in weights.items() if p != "layers/dense/kernel"}
    for wrong, match in (
        (missing, "layers/dense/kernel"),
        ({**weights, "nowhere": np.ones(3)}, "nowhere"),
        ({**weights, "layers/dense/kernel": np.ones(3)}, "shape"),
    ):
        with pytest.raises(LotteryError, match=match):
            masking.set_weights(model, wrong)
    assert all(np.array_equal(w, weights[p]) for p, w in masking.get_weights(model).items())


def test_arrays_are_not_shared_with_the_model(data, compiled):
    model = keras.Sequential([keras.Input((6,)), L.Dense(64), L.Dense(3)])
    compiled(toolkit.mask(model), keras.optimizers.SGD(0.1))
    weights = masking.get_weights(model)
    kept = {path: value.copy() for path, value in weights.items()}
    masking.set_weights(model, weights)
    read = masking.get_weights(model)
    for _ in range(2):
        model.fit(*data, verbose=0)
    assert any(np.any(w != kept[p]) for p, w in masking.get_weights(model).items())
    for path, value in kept.items():
        assert np.array_equal(weights[path], value)
        assert np.array_equal(read[path], value)


def test_what_the_caller_does_to_arrays_later_changes_nothing(random_masks):
    layers = [L.Dense(64) for _ in range(8)]  # JAX keeps aligned arrays instead of copying them
    model = toolkit.mask(keras.Sequential([keras.Input((64,)), *layers]), parametrization="frozen")
    masks, weights = random_masks(model), masking.get_weights(model)
    fills = {path: np.ones(mask.shape, np.float32) for path, mask in masks.items()}
    masking.set_weights(model, weights)
    masking.set_masks(model, masks, fills)
    kept = [masking.get_masks(model), masking.get_fills(model), masking.get_weights(model)]
    kept = [{path: array.copy() for path, array in arrays.items()} for arrays in kept]
    for arrays in (masks, fills, weights):
        for array in arrays.values():
            array[...] = 1 - array
    now = [masking.get_masks(model), masking.get_fills(model), masking.get_weights(model)]
    for before, after in zip(kept, now, strict=True):
        assert all(np.array_equal(before[path], after[path]) for path in before)


def test_effective_weights_are_what_the_network_uses(mlp, random_masks):
    model = toolkit.mask(mlp(), parametrization="frozen")
    masks = random_masks(model)
    fills = {p: np.full(m.shape, 7, "float32") for p, m in masks.items()}
    masking.set_masks(model, masks, fills)
    stored, used = masking.get_weights(model), masking.effective_weights(model)
    for path, mask in masks.items():
        assert np.array_equal(used[path], np.where(mask, stored[path], 7))
        assert np.all(stored[path][~mask] == 0)
    assert stored.keys() == used.keys()


def test_a_parametrization_is_known_and_not_changed_back(mlp):
    with pytest.raises(LotteryError, match="parametrization"):
        toolkit.mask(mlp(), parametrization="froze")
    model = toolkit.mask(mlp(), parametrization="zero")
    toolkit.mask(model, parametrization="frozen")
    assert masking.get_fills(model).keys() == masking.get_masks(model).keys()
    with pytest.raises(LotteryError, match="frozen"):
        toolkit.mask(model, parametrization="zero")


def test_a_refused_parametrization_masks_nothing(data, compiled):
    model = keras.Sequential([keras.Input((6,)), L.Dense(4, name="a"), L.Dense(3, name="b")])
    toolkit.mask(model, include="b", parametrization="frozen")
    with pytest.raises(LotteryError, match="parametrization that 'layers/dense_1/kernel' has"):
        toolkit.mask(model)
    assert list(masking.get_masks(model)) == ["layers/dense_1/kernel"]


def test_objects_that_are_no_models_and_models_without_weights_are_refused():
    with pytest.raises(LotteryError, match="Keras model"):
        toolkit.mask("model.keras")
    with pytest.raises(LotteryError, match="built"):
        toolkit.mask(keras.Sequential([L.Dense(2)]))
    with pytest.raises(LotteryError, match="no weights"):
        toolkit.mask(keras.Sequential([keras.Input((2,)), L.ReLU()]))
    with pytest.raises(LotteryError, match="excluded by"):
        toolkit.mask(keras.Sequential([keras.Input((2,)), L.Dense(2)]), exclude="*")


def test_lora_and_quantization_are_refused(mlp):
    model = toolkit.mask(mlp())
    with pytest.raises(LotteryError, match="LoRA"):
        model.layers[1].enable_lora(2)
    for one in (model, model.layers[1]):
        with pytest.raises(LotteryError, match="quantization"):
            one.quantize("int8")
    assert not hasattr(
        toolkit.mask(keras.Sequential([keras.Input((4, 1)), L.GRU(2)])).layers[0], "enable_lora"
    )


def test_the_wrapper_passes_masks_and_arguments_on(random_masks):
    inputs = keras.Input((None,), dtype="int32")
    x = toolkit.Masked(L.Embedding(5, 4, mask_zero=True))(inputs)
    x = toolkit.Masked(L.LSTM(2, dropout=0.5))(x)
    model = keras.Model(inputs, x)
    assert len(masking.get_masks(model)) == 3
    masking.set_masks(model, random_masks(model))
    batch = np.array([[1, 2, 0], [1, 2, 3]], "int32")
    short = model.predict(batch[:, :2], verbose=0)
    out = model.predict(batch, verbose=0)
    np.testing.assert_allclose(out[0], short[0], rtol=1e-5)
    assert not np.allclose(out[1], short[1])
    noisy = keras.ops.convert_to_numpy(model(batch, training=True))
    assert not np.allclose(noisy, out)


def test_the_wrapper_refuses_a_layer_with_nothing_to_prune():
    with pytest.raises(LotteryError, match="no weights"):
        toolkit.Masked(L.ReLU())(keras.Input((3,)))


def test_masks_can_be_moved_into_a_model_without_a_second_copy(mlp, random_masks):
    model, other = toolkit.mask(mlp()), toolkit.mask(mlp())
    masks = random_masks(model)
    masking.set_weights(other, masking.get_weights(model))
    masking.set_masks(other, masks)
    moved = dict(masks)
    state.move_masks(model, moved)
    assert moved == {}
    assert masks.keys() == masking.get_masks(model).keys()  # `set_masks` leaves them to the caller
    for read in (masking.get_masks, masking.get_weights):
        found, expected = read(model), read(other)
        assert all(np.array_equal(found[path], expected[path]) for path in expected)


def test_pruned_weights_are_zeroed_in_their_own_memory_on_torch(mlp, random_masks):
    model = toolkit.mask(mlp())
    kernel = masking.variables(model)["layers/dense/kernel"]
    before, mask = (
        masking.get_weights(model)["layers/dense/kernel"],
        random_masks(model)["layers/dense/kernel"],
    )
    value = kernel.value
    masking.set_masks(model, {"layers/dense/kernel": mask})
    assert np.array_equal(masking.get_weights(model)["layers/dense/kernel"], before * mask)
    if keras.config.backend() == "torch":
        assert kernel.value is value
    if keras.config.backend() == "jax":  # others may hold the value
        assert np.array_equal(value, before)
