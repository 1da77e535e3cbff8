"""The environments: names, termination and truncation, and frames equal to gymnasium's."""

import sys

import gymnasium
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments import ATARI, MINATAR, environments
from keras_lottery.tasks.rl.environments.atari import LostLives, atari
from keras_lottery.tasks.rl.environments.games import LOST_LIFE, Games
from keras_lottery.tasks.rl.environments.make import maker
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from keras_lottery.tasks.rl.play import Stacks
from keras_lottery.tasks.rl.replay import Replay
from tests.tasks.rl.made import Counting, games_of, played

FRAMES = {
    "asterix": (4, 5),
    "breakout": (4, 3),
    "freeway": (7, 3),
    "seaquest": (10, 6),
    "space_invaders": (6, 4),
}


@pytest.mark.parametrize("game", ATARI)
def test_every_game_of_the_paper_is_built_and_stepped(game):
    games = games_of(f"ALE/{game}", 1, episodic_life=True)
    frames = played(games, 3)
    assert games.spec == GameSpec((84, 84), "uint8", games.spec.actions, 27_000, 4)
    assert frames.shape == (4, 1, 84, 84) and frames.dtype == np.uint8
    assert 0 < frames.mean() < 255


def test_any_other_game_of_atari_is_played_likewise():
    spec = games_of("ALE/Pong", 1).spec
    assert spec == games_of("ALE/Pong-v5", 1).spec == GameSpec((84, 84), "uint8", 6, 27_000, 4)


@pytest.mark.parametrize("game", MINATAR)
def test_minatar_is_played_with_the_actions_that_a_game_knows(game):
    games = games_of(f"MinAtar/{game}", sticky_actions=0.1)
    channels, actions = FRAMES[game]
    assert games.spec == GameSpec((10, 10, channels), "uint8", actions, 5000)
    one, other = played(games, 30), played(games, 30)
    assert set(np.unique(one)) == {0, 1}
    assert (one == other).all()  # the same seeds, the same games
    assert (played(games, 30, seed=5) != one).any()


def test_stacked_frames_are_gymnasiums_own_frame_by_frame():
    """What the agent sees, and what the replay buffer gives back, against the wrappers' stack."""
    plain = gymnasium.make("ALE/Breakout-v5", frameskip=1, repeat_action_probability=0.0)
    theirs = gymnasium.wrappers.FrameStackObservation(
        gymnasium.wrappers.AtariPreprocessing(plain, noop_max=30, frame_skip=4), 4
    )
    games = games_of("ALE/Breakout", 1)
    stacks, replay = Stacks(games), Replay(games.spec, 1, 300, 0.99)
    expected = [theirs.reset(seed=3)[0]]
    frames = games.reset(np.array([3]))
    replay.begin(frames)
    ours = [stacks.begin(frames)[0].copy()]
    rng, over = np.random.default_rng(0), False
    for _ in range(250):
        action = int(rng.integers(0, games.spec.actions))
        now = games.step(np.array([action]))
        replay.add(np.array([action]), now.rewards, now)
        ours.append(stacks.add(now)[0].copy())
        if over:
            expected.append(theirs.reset()[0])
            over = False
        else:
            seen, _, ended, cut, _ = theirs.step(action)
            expected.append(seen)
            over = ended or cut
    assert (np.array(ours) == np.moveaxis(np.array(expected), 1, -1)).all()
    known = {stack.tobytes() for stack in ours}
    drawn = replay.sample(1, 64, np.random.default_rng(0)).observations[0]
    assert all(stack.tobytes() in known for stack in drawn)


def test_a_lost_life_terminates_learning_but_not_the_game():
    env = LostLives(atari("Breakout"))
    env.reset(seed=0)
    lost, over = 0, False
    for step in range(2000):
        _, _, over, _, info = env.step(1 if step % 2 else 0)
        lost += info[LOST_LIFE]
        if over:
            break
    assert over and lost == 5
    games = games_of("ALE/Breakout", 1, episodic_life=True)
    games.reset(np.array([0]))
    ends = [games.step(np.array([step % 2])) for step in range(400)]
    assert sum(p.terminated[0] for p in ends) > sum(p.over[0] for p in ends)
    plain = games_of("ALE/Breakout", 1, training=False, episodic_life=True)
    plain.reset(np.array([0]))
    ends = [plain.step(np.array([step % 2])) for step in range(400)]
    assert all(p.terminated[0] <= p.over[0] for p in ends)


def test_a_time_limit_is_no_end_of_the_game():
    games = games_of("CartPole-v1", 1, time_limit=3)
    assert games.spec.time_limit == 3
    games.reset(np.array([0]))
    found = [games.step(np.array([step % 2])) for step in range(5)]
    assert [p.over[0] for p in found] == [False, False, True, False, False]
    assert not any(p.terminated[0] for p in found)
    assert [p.stepped[0] for p in found] == [True, True, True, False, True]
    assert [p.first[0] for p in found] == [False, False, False, True, False]


def test_games_are_seeded_once_and_then_go_their_own_way():
    games = Games(Counting, GameSpec((2,), "uint8", 2, 0), 2, "counting")
    games.reset(np.array([7, 8]))
    assert [env.seeds for env in games._envs] == [[7], [8]]


def test_an_environment_that_fails_is_named_with_the_reason():
    games = Games(lambda: Counting(dies_at=2), GameSpec((2,), "uint8", 2, 0), 2, "counting")
    games.reset(np.array([0, 1]))
    games.step(np.zeros(2, int))
    with pytest.raises(LotteryError, match="Received, from game 0 of 2 after"):
        games.step(np.zeros(2, int))


@pytest.mark.parametrize(
    "name, message",
    [
        ("CartPol-v1", "Did you mean 'CartPole-v1'"),
        ("ALE/Breakuot", "Did you mean 'ALE/Breakout'"),
        ("ALE/Pongg", "Did you mean 'ALE/Pong-v5'"),
        ("Pendulum-v1", r"finite set of actions.*\bBox\("),
        ("Blackjack-v1", r"one array of numbers.*wrappers\.FlattenObservation.*'module:function'"),
        ("CliffWalking-v1", r"a time limit.*Set data\.time_limit"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_reason(name, message):
    with pytest.raises(LotteryError, match=message):
        maker(RLData(name=name))


def test_a_package_that_is_missing_is_named_with_the_extra(monkeypatch):
    for package, name in (("minatar", "MinAtar/breakout"), ("ale_py", "ALE/Breakout")):
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(LotteryError, match=r"pip install '\.\[rl\]'"):
            maker(RLData(name=name))


def test_the_list_of_games_needs_no_package():
    assert {"CartPole-v1", "Acrobot-v1", "LunarLander-v3"} <= set(environments)
    assert len(environments) == 3 + 5 + 9
