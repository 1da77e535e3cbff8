"""Re-estimated batch-norm statistics, against means and variances computed by hand."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.errors import LotteryError
from keras_lottery.training.batch_norm import reestimate_batch_norm
from keras_lottery.training.data import fixed_order

pytestmark = pytest.mark.backend
L = keras.layers


def made(momentum=0.9, trainable=True):
    norms = [L.BatchNormalization(momentum=momentum) for _ in range(2)]
    norms[1].trainable = trainable
    model = keras.Sequential([keras.Input((3,)), norms[0], L.Dense(2, use_bias=False), norms[1]])
    for norm in norms:
        norm.moving_mean.assign(norm.moving_mean + 7)
    return model


def numbers(variable):
    return keras.ops.convert_to_numpy(variable.value)


def test_statistics_are_those_of_the_data_and_nothing_else_moves():
    model, rng = made(), np.random.default_rng(0)
    x = rng.normal(2, 3, (400, 3)).astype(np.float32)
    toolkit.mask(model)
    masking.set_masks(model, {"layers/dense/kernel": np.array([[1, 0], [1, 1], [0, 1]], bool)})
    before = masking.get_weights(model)
    reestimate_batch_norm(model, x)
    after = masking.get_weights(model)
    first, second = (f"layers/batch_normalization{n}" for n in ("", "_1"))
    np.testing.assert_allclose(after[f"{first}/moving_mean"], x.mean(axis=0), rtol=1e-4)
    variance = after[f"{first}/moving_variance"]
    np.testing.assert_allclose(variance, x.var(axis=0), rtol=5e-3)
    normal = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-3)
    inner = normal @ np.where(masking.get_masks(model)["layers/dense/kernel"],
                              before["layers/dense/kernel"], 0)  # fmt: skip
    np.testing.assert_allclose(after[f"{second}/moving_mean"], inner.mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(after[f"{second}/moving_variance"], inner.var(axis=0), rtol=5e-3)
    rest = [path for path in before if "moving" not in path]
    assert rest and all(np.array_equal(before[path], after[path]) for path in rest)


def test_batches_count_alike_and_what_is_frozen_stays():
    model = made(momentum=0.5, trainable=False)
    x = np.repeat(np.array([[1.0, 2, 3], [3.0, 2, 5]], np.float32), 500, axis=0)
    reestimate_batch_norm(model, iter([x[:500], x[500:]]))
    first, second = model.layers[0], model.layers[2]
    np.testing.assert_allclose(numbers(first.moving_mean), [2, 2, 4], rtol=1e-5)
    np.testing.assert_allclose(numbers(first.moving_variance), 0, atol=1e-5)
    np.testing.assert_allclose(numbers(second.moving_mean), 7)


def test_a_network_without_batch_norm_stays_as_it_is():
    model = keras.Sequential([keras.Input((3,)), L.Dense(2)])
    before = masking.get_weights(model)
    reestimate_batch_norm(model, np.ones((4, 3), np.float32))
    assert all(np.array_equal(w, before[p]) for p, w in masking.get_weights(model).items())


def test_data_sorted_by_class_have_the_statistics_of_all_classes():
    x = np.repeat(np.array([[0.0, 2, 4], [2.0, 4, 0]], np.float32), 500, axis=0)
    for data in (x, keras.ops.convert_to_tensor(x)):
        model = made()
        reestimate_batch_norm(model, data, examples=400)
        np.testing.assert_allclose(numbers(model.layers[0].moving_mean), [1, 3, 2], atol=0.2)


def test_arrays_and_batches_of_any_kind_are_read():
    x = np.random.default_rng(0).normal(2, 3, (40, 3)).astype(np.float32)

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            return x[10 * index : 10 * index + 10], np.zeros(10)

    found = []
    for data in (x, Batches(), iter([x[:10], x[10:20], x[20:30], x[30:]])):
        model = made()
        reestimate_batch_norm(model, data, examples=30, batch_size=10)
        found.append(numbers(model.layers[0].moving_mean))
    np.testing.assert_allclose(found[0], x[fixed_order(40)[:30]].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found[1], x[:30].mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(found[1], found[2])
    with pytest.raises(LotteryError, match="data with examples"):
        reestimate_batch_norm(made(), iter([]))
    with pytest.raises(LotteryError, match=r"inputs, or batches\. Received: NoneType"):
        reestimate_batch_norm(made(), None)


def test_a_layer_that_is_called_twice_sees_both_inputs():
    inputs = keras.Input((3,))
    norm = L.BatchNormalization(momentum=0.9)
    model = keras.Model(inputs, L.Add()([norm(inputs), norm(inputs)]))
    x = np.random.default_rng(0).normal(5, 2, (400, 3)).astype(np.float32)
    reestimate_batch_norm(model, x)
    np.testing.assert_allclose(numbers(norm.moving_mean), x.mean(axis=0), rtol=1e-3)
    np.testing.assert_allclose(numbers(norm.moving_variance), x.var(axis=0), rtol=1e-2)


def test_statistics_that_never_move_are_refused():
    with pytest.raises(LotteryError, match=r"momentum below 1"):
        reestimate_batch_norm(made(momentum=1.0), np.ones((4, 3), np.float32))


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.999])
def test_the_number_of_calls_is_exact_for_any_momentum(momentum):
    inputs = keras.Input((3,))
    once, twice = (L.BatchNormalization(momentum=momentum) for _ in range(2))
    both = [once(inputs), twice(inputs), twice(inputs)]
    model = keras.Model(inputs, L.Add()(both))
    x = np.random.default_rng(0).normal(300, 2, (400, 3)).astype(np.float32)
    reestimate_batch_norm(model, x)
    for norm in (once, twice):
        np.testing.assert_allclose(numbers(norm.moving_mean), x.mean(axis=0), rtol=1e-3)
        np.testing.assert_allclose(numbers(norm.moving_variance), x.var(axis=0), rtol=1e-2)


def test_a_layer_that_the_model_does_not_call_keeps_its_statistics():
    class WithUnusedHead(keras.Model):
        def __init__(self):
            super().__init__()
            self.norm, self.head = L.BatchNormalization(), L.BatchNormalization()
            self.head.build((None, 3))

        def call(self, x, training=None):
            return self.norm(x, training=training)

    model, x = WithUnusedHead(), np.full((4, 3), 5, np.float32)
    model(x)
    reestimate_batch_norm(model, x)
    np.testing.assert_allclose(numbers(model.norm.moving_mean), 5, rtol=1e-5)
    np.testing.assert_array_equal(numbers(model.head.moving_mean), 0)
    np.testing.assert_array_equal(numbers(model.head.moving_variance), 1)
