"""Outputs are compared so that NaN cannot pass for agreement."""

import keras
import numpy as np
import pytest

from keras_lottery.exporters.verify import output_difference, share_of, worst_output

NAN, INF = float("nan"), float("inf")


def difference(one, other):
    return output_difference({"y": np.array(one)}, {"y": np.array(other)})


def test_the_largest_difference_and_the_largest_magnitude():
    assert difference([1.0, -8.0], [1.5, -8.25]) == (0.5, 8.0)


def test_equal_outputs_do_not_differ():
    assert difference([1.0, NAN, INF], [1.0, NAN, INF])[0] == 0


@pytest.mark.parametrize(
    "other", [[NAN, 2.0], [INF, 2.0], [1.0], [[1.0, 2.0]]], ids=["nan", "inf", "short", "shape"]
)
def test_what_is_not_comparable_is_infinitely_different(other):
    assert difference([1.0, 2.0], other)[0] == INF


def test_a_number_where_nan_was_expected_is_different():
    assert difference([1.0, NAN], [1.0, 2.0])[0] == INF


def test_whole_numbers_do_not_wrap():
    one, other = np.array([0], np.uint8), np.array([255], np.uint8)
    assert output_difference({"y": one}, {"y": other})[0] == 255


def test_each_output_is_judged_by_its_own_magnitude():
    expected = {"boxes": np.array([500.0]), "scores": np.array([0.5])}
    received = {"boxes": np.array([500.01]), "scores": np.array([0.52])}
    name, error, limit = worst_output(expected, received, 1e-4)
    assert (name, limit) == ("scores", 0.5e-4) and error == pytest.approx(0.02)
    assert worst_output(expected, received, 1e-4, tolerance=1.0)[0::2] == ("scores", 1.0)
    uniform = {"classes": np.full(30_000, 1 / 30_000)}
    _, error, limit = worst_output(uniform, {"classes": np.zeros(30_000)}, 1e-3)
    assert error > limit == 1e-6
    assert worst_output(uniform, uniform, 1e-3, tolerance=0.0) == ("classes", 0.0, 0.0)


def test_half_precision_is_found_at_any_depth():
    half = keras.Sequential([keras.layers.Dense(2, dtype="mixed_bfloat16")])
    model = keras.Sequential([keras.Input((3,)), half, keras.layers.Dense(2)])
    assert share_of(model, 1e-4) == 2e-2 and share_of(model, 0.1) == 0.1
    assert share_of(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]), 1e-4) == 1e-4
