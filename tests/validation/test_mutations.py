"""With rewinding, masking or the fresh draw switched off, the checks of a run fail."""

import pytest

from keras_lottery import engine, masking
from keras_lottery.arms import starts
from keras_lottery.masking.masked_variable import MaskedVariable
from keras_lottery.masking.parametrizations import parametrizations
from keras_lottery.types import Start
from tests.engine.small import config
from tests.invariants import check_fresh, check_masked, check_rewound

CHECKS = {"rewound": check_rewound, "masked": check_masked, "fresh": check_fresh}


def no_rewind(patch):
    """Winning tickets go on from the trained weights."""
    starting_point = starts.starting_point

    def kept(training, run, masks, before, mode=""):
        start = starting_point(training, run, masks, before, mode)
        return Start(run.trained(before), masks, step=start.step, seed=start.seed)

    patch.setattr(starts, "starting_point", kept)


def rewind_to_start(patch):
    """Winning tickets go back to the start weights, past the rewind point."""
    starting_point = starts.starting_point

    def earlier(training, run, masks, before, mode=""):
        start = starting_point(training, run, masks, before, mode)
        return Start(run.task.start_weights(training.seed), masks, step=start.step)

    patch.setattr(starts, "starting_point", earlier)


def no_masks(patch):
    """The masks never reach the model."""
    patch.setattr(masking, "set_masks", lambda model, masks, fills=None, optimizers=(): None)


def no_where(patch):
    """The network reads its stored weights, and neither optimizer nor constraint is masked."""
    zero = type(parametrizations["zero"])
    for method in ("effective", "effective_in_step"):
        patch.setattr(zero, method, lambda self, stored, kept, extras: stored, raising=False)
    patch.setattr(MaskedVariable, "mask_for", lambda self, value: None)


def no_fresh_draw(patch):
    """Controls reuse the winning ticket's start weights."""

    def reused(training, run, masks):
        return Start(run.start_of(starts.winning_of(training)).weights, masks, seed=training.seed)

    patch.setattr(starts, "fresh_start", reused)


def start_of_dense(patch):
    """Controls reuse the dense network's start weights."""

    def reused(training, run, masks):
        return Start(run.task.start_weights(training.seed), masks, seed=training.seed)

    patch.setattr(starts, "fresh_start", reused)


MUTATIONS = [
    pytest.param(None, None, id="as it is", marks=pytest.mark.backend),
    pytest.param(no_rewind, "rewound", id="no rewind"),
    pytest.param(rewind_to_start, "rewound", id="rewound too far"),
    pytest.param(no_masks, "masked", id="no masks", marks=pytest.mark.backend),
    pytest.param(no_where, "masked", id="no where", marks=pytest.mark.backend),
    pytest.param(no_fresh_draw, "fresh", id="reinit is winning"),
    pytest.param(start_of_dense, "fresh", id="reinit starts as dense"),
]


@pytest.mark.parametrize("mutation, caught_by", MUTATIONS)
def test_a_mechanism_switched_off_is_caught(tmp_path, monkeypatch, mutation, caught_by):
    if mutation is not None:
        mutation(monkeypatch)
    # Rewinding to step 0 would let the dense network's start pass for the rewind point.
    arms = ["winning", "reinit", "permuted_layer"]
    folder = engine.run(config(tmp_path, arms=arms, prune__rounds=2, rewind__to="10it"))
    for name, check in CHECKS.items():
        if name == caught_by:
            with pytest.raises(AssertionError):
                check(folder)
        else:
            check(folder)
