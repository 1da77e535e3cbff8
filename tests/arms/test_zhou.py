"""The families of Zhou et al. 2019, beyond the contract of every arm."""

from dataclasses import replace

import numpy as np
import pytest

from keras_lottery.arms import FAMILIES, arms, starts

from .test_arms import DENSE, SHAPES, Run, training, weights

INITIAL = weights(1000)


@pytest.fixture
def run():
    return Run(to="0it")


@pytest.mark.parametrize("arm", [a for a in FAMILIES["kept_values"] if not a.endswith("rescaled")])
def test_kept_values_are_the_initial_ones_in_another_order_or_one_size(arm, run):
    start = arms[arm].start(training(arm), run)
    for path in SHAPES:
        mask, first, value = start.masks[path], INITIAL[path], start.weights[path]
        signed = arm.startswith("signed")
        assert (np.sign(value[mask]) == np.sign(first[mask])).all() == signed
        if arm.endswith("constant"):
            np.testing.assert_allclose(np.abs(value), first.std())
        elif arm.endswith("reshuffle"):
            kept = [np.sort(np.abs(v[mask])) for v in (value, first)]
            assert (kept[0] == kept[1]).all()
        else:
            assert (np.sort(np.abs(value), axis=None) == np.sort(np.abs(first), axis=None)).all()
            assert (value != first).any()
    assert start.step == 0 and start.masks is run.start_of(starts.winning_of(training(arm))).masks


@pytest.mark.parametrize("arm", [a for a in FAMILIES["kept_values"] if a.endswith("rescaled")])
def test_rescaled_values_are_weights_by_kept_times_as_large(arm, run):
    start = arms[arm].start(training(arm), run)
    name = arm.removesuffix("_rescaled")
    for path, mask in start.masks.items():
        back = np.abs(start.weights[path]) * mask.sum() / mask.size
        if name.endswith("constant"):
            np.testing.assert_allclose(back, INITIAL[path].std())
        else:
            total = np.abs(INITIAL[path])
            assert back.sum() == pytest.approx(total.sum())


@pytest.mark.parametrize("arm", FAMILIES["pruned_values"])
def test_pruned_weights_are_frozen_at_their_start_or_at_zero_and_stay_there(arm, run):
    first = training(arm)
    start = arms[arm].start(first, run)
    assert start.parametrization == "frozen"
    final = run.trained(DENSE)
    for path, mask in start.masks.items():
        fill, begun = start.fills[path], INITIAL[path]
        assert np.isin(fill[~mask], [0, *begun[~mask]]).all()
        shrank = np.abs(begun) > np.abs(final[path])
        zero = fill == 0
        if arm in ("freeze_init_zero_mask", "freeze_init_zero_all"):
            assert (zero == shrank)[~mask].all()
        if arm == "freeze_init_zero_rev":
            assert (zero == ~shrank)[~mask].all()
        if arm == "freeze_init_zero_reshuffle":
            assert zero[~mask].sum() == shrank[~mask].sum()
        if arm == "freeze_init":
            assert not zero.any()
        kept_zero = (start.weights[path] == 0) & mask
        expected = shrank & mask if arm == "freeze_init_zero_all" else np.zeros_like(mask)
        assert (kept_zero == expected).all()
    run.starts[first] = start
    second = arms[arm].start(replace(first, round=2), run)
    for path, mask in start.masks.items():
        assert not (second.masks[path] & ~mask).any()
        assert (second.fills[path] == start.fills[path])[~mask].all()
