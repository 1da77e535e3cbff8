"""Arms that train a mask: how many weights they keep, and with which values."""

from dataclasses import replace

import numpy as np
import pytest

from keras_lottery.arms import arms
from keras_lottery.config.learned import EdgePopupConfig

from .test_arms import SHAPES, Run, training, weights

START = weights(1000)


@pytest.mark.parametrize(("number", "kept"), [(1, (12,) * 3), (2, (6,) * 3)])
def test_edge_popup_keeps_of_each_layer_what_the_rounds_keep(number, kept):
    start = arms["edge_popup"].start(training("edge_popup", number=number), Run())
    assert tuple(int(start.masks[path].sum()) for path in SHAPES) == kept
    assert start.parametrization == "edge_popup"
    assert start.step == 0 and not start.state


def test_edge_popup_has_weights_of_the_deviation_of_kaiming():
    run = Run()
    normal = arms["edge_popup"].start(training("edge_popup"), run).weights["a/kernel"]
    signed = arms["edge_popup_signed"].start(training("edge_popup_signed"), run).weights["a/kernel"]
    assert np.std(normal) == pytest.approx(0.5)  # √(2 / 8)
    np.testing.assert_allclose(normal / START["a/kernel"], normal[0, 0] / START["a/kernel"][0, 0])
    np.testing.assert_allclose(signed, 0.5 * np.sign(START["a/kernel"]))
    assert (signed == arms["edge_popup_signed"].start(training("x"), run).weights["a/kernel"]).all()


def test_the_scaled_variant_is_another_parametrization():
    run = Run()
    run.config = replace(run.config, edge_popup=EdgePopupConfig(scale=True))
    start = arms["edge_popup"].start(training("edge_popup"), run)
    assert start.parametrization == "edge_popup_scaled"


def test_supermasks_start_from_the_start_weights_or_their_signed_constants():
    starts = {name: arms[name].start(training(name), Run()) for name in arms if "super" in name}
    assert {name: start.parametrization for name, start in starts.items()} == {
        "supermask": "bernoulli",
        "supermask_signed": "bernoulli",
        "supermask_rescaled": "bernoulli_rescaled",
        "supermask_rescaled_signed": "bernoulli_rescaled",
    }
    for path in SHAPES:
        assert (starts["supermask"].weights[path] == START[path]).all()
        constant = START[path].std() * np.sign(START[path])
        np.testing.assert_allclose(starts["supermask_signed"].weights[path], constant)
    assert (starts["supermask_signed"].weights["a/moving_mean"] == START["a/moving_mean"]).all()
