"""Which trainings there are, and when each is ready."""

from types import SimpleNamespace

import pytest

from keras_lottery.engine.graph import longest_chain_first, ready, trainings
from keras_lottery.errors import LotteryError
from keras_lottery.types import Training


def make(arms, rounds=2, seeds=(0,), draws=1, **arm_rounds):
    prune = SimpleNamespace(rounds=rounds, arm_rounds=arm_rounds)
    transfer = SimpleNamespace(sources={}, arms=())
    return SimpleNamespace(
        task="t", arms=arms, prune=prune, seeds=seeds, draws=draws, transfer=transfer,
        executor="sequential",
    )  # fmt: skip


def names(plan):
    return [(t.round, t.arm, t.draw) for t in plan]


def test_controls_need_the_winning_ticket_even_where_the_config_leaves_it_out():
    assert names(trainings(make(("reinit",), rounds=1))) == [
        (0, "dense", 0),
        (1, "winning", 0),
        (1, "reinit", 0),
    ]


def test_only_arms_that_draw_are_drawn_again():
    plan = names(trainings(make(("winning", "reinit", "one_shot"), rounds=1, draws=3)))
    assert plan[2:] == [(1, "reinit", 0), (1, "reinit", 1), (1, "reinit", 2), (1, "one_shot", 0)]


def test_arms_of_learned_masks_need_no_ticket_and_some_are_trained_once():
    assert names(trainings(make(("edge_popup", "supermask")))) == [
        (0, "dense", 0),
        (1, "edge_popup", 0),
        (1, "supermask", 0),
        (2, "edge_popup", 0),
    ]


def test_arms_can_be_trained_in_some_rounds_and_chains_up_to_the_last_of_them():
    all_arms = ("winning", "winning_init", "reinit", "one_shot")
    given = {"reinit": (1, 3, 9), "one_shot": (3,), "winning_init": (2,)}
    plan = trainings(make(all_arms, rounds=3, **given))
    rounds = {arm: [t.round for t in plan if t.arm == arm] for arm in all_arms}
    assert rounds == {
        "winning": [1, 2, 3],
        "winning_init": [1, 2],
        "reinit": [1, 3],
        "one_shot": [3],
    }


def test_a_round_that_another_arm_needs_cannot_be_left_out():
    with pytest.raises(LotteryError, match="no 'winning' in round 2, which 'reinit' needs"):
        trainings(make(("winning", "reinit"), winning=(1,)))


def test_one_shot_waits_for_dense_alone_and_chains_for_their_own_round_before():
    config = make(("winning", "winning_init", "one_shot", "reinit"))
    assert names(ready(trainings(config), set())) == [(0, "dense", 0)]
    dense = Training("", "t", 0, 0, "dense")
    assert names(ready(trainings(config), {dense})) == [
        (1, "winning", 0),
        (1, "winning_init", 0),
        (1, "one_shot", 0),
        (2, "one_shot", 0),
    ]
    first = Training("", "t", 0, 1, "winning")
    assert (2, "winning", 0) in names(ready(trainings(config), {dense, first}))
    assert (1, "reinit", 0) in names(ready(trainings(config), {dense, first}))
    assert (2, "winning_init", 0) not in names(ready(trainings(config), {dense, first}))


def test_seeds_are_independent():
    config = make(("winning",), seeds=(0, 1))
    done = {t for t in trainings(config) if t.seed == 0}
    assert names(ready(trainings(config), done)) == [(0, "dense", 0)]
    assert ready(trainings(config), set(trainings(config))) == []


def test_tickets_that_a_long_chain_waits_for_come_before_controls():
    config = make(("winning", "reinit", "permuted_layer"), seeds=(0, 1))
    order = longest_chain_first(config)
    assert set(order) == set(trainings(config))
    assert [(t.seed, t.round, t.arm) for t in order[:4]] == [
        (0, 0, "dense"),
        (1, 0, "dense"),
        (0, 1, "winning"),
        (1, 1, "winning"),
    ]


def test_two_workers_never_wait_for_a_ticket_while_they_train_its_controls():
    # Dense alone, then 8 rounds of 3 trainings: at least 1 + 12 turns, one more for the first one.
    config = make(("winning", "reinit", "permuted_layer"), rounds=8)
    assert turns(longest_chain_first(config)) == 1 + 12 + 1
    assert turns(trainings(config)) == 17


def turns(plan, workers=2):
    """Returns the turns that workers need, if each training takes one."""
    done, number = set(), 0
    while len(done) < len(plan):
        done.update(ready(plan, done)[:workers])
        number += 1
    return number
