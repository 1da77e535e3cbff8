"""Pruned entries become exactly zero, whatever they were."""

import keras
import numpy as np
import pytest

from keras_lottery.backend.zeroing import zero_in_place, zeroed

pytestmark = pytest.mark.backend

VALUES = [np.nan, np.inf, -np.inf, -0.0, -2.0, 3.0, -0.0, -np.inf]
KEPT = np.array([False, False, False, False, False, True, True, True])
EXPECTED = [0.0, 0.0, 0.0, 0.0, 0.0, 3.0, -0.0, -np.inf]
IS_TORCH = keras.config.backend() == "torch"


def tensors(values, dtype="float32"):
    return keras.ops.convert_to_tensor(np.asarray(values, "float32"), dtype)


def numbers(tensor):
    return keras.ops.convert_to_numpy(keras.ops.cast(tensor, "float32"))


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_nothing_is_left_of_what_is_not_kept(dtype):
    value, kept = tensors(VALUES, dtype), keras.ops.convert_to_tensor(KEPT)
    result = zeroed(value, kept)
    assert keras.backend.standardize_dtype(result.dtype) == dtype
    assert np.array_equal(numbers(result), EXPECTED)
    assert np.array_equal(np.signbit(numbers(result)), np.signbit(EXPECTED))
    assert np.isnan(numbers(value)[0])  # the argument is unchanged
    assert zero_in_place(value, kept) == IS_TORCH
    if IS_TORCH:
        assert np.array_equal(numbers(value), EXPECTED)


def test_large_and_transposed_tensors():
    rng = np.random.default_rng(0)
    kept = rng.random((700, 800)) < 0.5
    for transposed in (False, True):
        value = tensors(rng.normal(size=(700, 800)))
        mask = keras.ops.convert_to_tensor(kept)
        if transposed:
            value, mask = keras.ops.transpose(value), keras.ops.transpose(mask)
        expected = np.where(keras.ops.convert_to_numpy(mask), numbers(value), 0)
        assert np.array_equal(numbers(zeroed(value, mask)), expected)
        if zero_in_place(value, mask):
            assert np.array_equal(numbers(value), expected)


@pytest.mark.skipif(not IS_TORCH, reason="torch's autograd")
def test_gradients_pass_where_kept():
    import torch

    value = tensors([1.0, 2.0]).requires_grad_()
    zeroed(value * value, torch.tensor([True, False])).sum().backward()
    assert value.grad.tolist() == [2.0, 0.0]
