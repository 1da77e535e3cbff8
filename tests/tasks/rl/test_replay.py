"""The replay buffer's transitions, on a game with known numbers."""

import gymnasium
import numpy as np
import pytest

from keras_lottery.tasks.rl.environments.games import Games
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from keras_lottery.tasks.rl.play import Stacks
from keras_lottery.tasks.rl.replay import Replay
from tests.tasks.rl.made import Counting


def filled(steps, ends=0, limit=0, games=2, capacity=1000, gamma=0.5, n_step=1, stack=1):
    """A buffer after so many steps of every game, and what the agent saw, by game and count."""
    spec = GameSpec((2,), "uint8", 2, limit, stack)

    def make():
        return gymnasium.wrappers.TimeLimit(Counting(ends), limit) if limit else Counting(ends)

    playing = Games(make, spec, games, "counting")
    stacks = Stacks(playing)
    replay = Replay(spec, games, capacity, gamma, n_step)
    frames = playing.reset(np.arange(games))
    seen = [stacks.begin(frames)]
    replay.begin(frames)
    for _ in range(steps):
        played = playing.step(np.ones(games, int))
        replay.add(np.ones(games, int), played.rewards, played)
        seen.append(stacks.add(played))
    return replay, seen


def drawn(replay, count=400):
    examples = replay.sample(1, count, np.random.default_rng(0))
    return {name: getattr(examples, name)[0] for name in examples.__dataclass_fields__}


def test_a_step_is_followed_by_the_next_frame_of_its_own_game():
    found = drawn(filled(30, ends=7)[0])
    before, after = found["observations"].astype(int), found["next_observations"].astype(int)
    assert (before[:, 0] == after[:, 0]).all()
    assert (after[:, 1] == before[:, 1] + 1).all()
    assert (found["rewards"] == after[:, 1]).all()
    assert set(before[:, 1]) == set(range(7))  # nothing begins at the frame after the last


def test_only_the_end_of_a_game_makes_what_follows_worth_nothing():
    ended = drawn(filled(30, ends=7)[0])
    last = ended["next_observations"][:, 1] == 7
    assert last.any() and (ended["discounts"] == ~last).all()
    cut = drawn(filled(30, limit=7)[0])
    assert (cut["next_observations"][:, 1] == 7).any()
    assert (cut["discounts"] == 1).all()


@pytest.mark.parametrize("kind", ["ends", "limit"])
def test_rewards_over_several_steps_stop_with_the_game(kind):
    found = drawn(filled(40, **{kind: 7}, n_step=3, gamma=0.5)[0])
    count, after = found["observations"][:, 1], found["next_observations"][:, 1]
    for c, a, reward, discount in zip(count, after, found["rewards"], found["discounts"]):
        ahead = min(3, 7 - int(c))
        assert a == c + ahead
        assert reward == sum(0.5**i * (c + 1 + i) for i in range(ahead))
        assert discount == (0 if kind == "ends" and a == 7 else 0.5 ** (ahead - 1))


def test_stacks_are_those_that_the_agent_saw_also_when_the_ring_has_gone_round():
    replay, seen = filled(70, ends=7, stack=4, capacity=40)
    known = {(g, tuple(map(tuple, s[g]))) for s in seen for g in (0, 1)}
    found = drawn(replay)
    for name in ("observations", "next_observations"):
        for stack in found[name]:
            assert any((g, tuple(map(tuple, stack))) in known for g in (0, 1))
            assert len({*stack[0]}) == 1  # frames of one game
    assert found["observations"][:, 0].min() >= 5  # and the first games are forgotten


def test_every_frame_is_stored_once():
    spec = GameSpec((84, 84), "uint8", 4, 0, 4)
    replay = Replay(spec, games=4, capacity=1000, gamma=0.99)
    assert replay.nbytes == 1000 * 84 * 84


def test_a_captured_buffer_is_restored():
    replay, _ = filled(30, ends=7)
    state = replay.capture()
    expected = drawn(replay)
    replay.clear()
    assert replay.frames == 0 and not replay.ready(1)
    replay.restore(state)
    found = drawn(replay)
    assert all((found[name] == expected[name]).all() for name in expected)
