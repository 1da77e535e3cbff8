"""The games: which there are, how they end, and that frames are those of gymnasium itself."""

import importlib
import sys
from types import ModuleType

import gymnasium
import numpy as np
import pytest

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments import ATARI, MINATAR, environments
from keras_lottery.tasks.rl.environments.atari import LostLives, atari
from keras_lottery.tasks.rl.environments.games import LOST_LIFE, Games
from keras_lottery.tasks.rl.environments.make import maker
from keras_lottery.tasks.rl.environments.spec import GameSpec
from keras_lottery.tasks.rl.play import Stacks
from keras_lottery.tasks.rl.replay import Replay
from tests.tasks.rl.made import Counting

FRAMES = {
    "asterix": (4, 5),
    "breakout": (4, 3),
    "freeway": (7, 3),
    "seaquest": (10, 6),
    "space_invaders": (6, 4),
}


def games_of(name, count=2, training=True, **fields):
    made = maker(RLData(name=name, **fields))
    return Games(lambda: made.make(training), made.spec, count, name)


def played(games, steps, seed=0):
    rng = np.random.default_rng(seed)
    found = [games.reset(np.arange(games.count) + seed)]
    for _ in range(steps):
        found.append(games.step(rng.integers(0, games.spec.actions, games.count)).frames)
    return np.stack(found)


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


def test_a_lost_life_ends_what_is_learned_and_not_the_game():
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
        with pytest.raises(LotteryError, match=r"pip install 'keras-lottery\[rl\]'"):
            maker(RLData(name=name))


def test_the_list_of_games_needs_no_package():
    assert {"CartPole-v1", "Acrobot-v1", "LunarLander-v3"} <= set(environments)
    assert len(environments) == 3 + 5 + 9


class Spaces(gymnasium.Env):
    """Shows the same frame for three steps, and notes what was done."""

    def __init__(self, observations, actions, frame):
        self.observation_space, self.action_space, self.frame = observations, actions, frame
        self.done = []

    def reset(self, *, seed=None, options=None):
        return self.frame, {}

    def step(self, action):
        self.done.append(action)
        return self.frame, 0.0, len(self.done) == 3, False, {}


def spaces_of(monkeypatch, observations, frame, actions=None):
    """Returns games over these spaces, and the environment that is played."""
    env = Spaces(observations, actions or gymnasium.spaces.Discrete(3), np.asarray(frame))
    name = "tests.tasks.rl.made_spaces:spaces"
    module = ModuleType("tests.tasks.rl.made_spaces")
    module.spaces = lambda: env
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(user_modules, "_allowed", {module.__name__})
    return games_of(name, 1, time_limit=5), env


BOX = gymnasium.spaces.Box


@pytest.mark.parametrize(
    ("space", "frame", "seen", "dtype"),
    [
        (BOX(-500, 500, (2,), np.int64), [-500, 300], [-500, 300], "float32"),
        (BOX(0, 300, (2,), np.int32), [12, 300], [12, 300], "float32"),
        (BOX(0, 255, (2,), np.int64), [12, 255], [12, 255], "uint8"),
        (BOX(-1, 1, (2,), np.int8), [-1, 1], [-1, 1], "float32"),
        (BOX(-2.5, 2.5, (2,)), [-2.5, 1.5], [-2.5, 1.5], "float32"),
        (BOX(0, 1, (2,), np.bool_), [False, True], [0, 1], "uint8"),
        (gymnasium.spaces.Discrete(4), 2, [0, 0, 1, 0], "uint8"),
        (gymnasium.spaces.Discrete(3, start=-1), -1, [1, 0, 0], "uint8"),
        (gymnasium.spaces.MultiDiscrete([2, 3]), [1, 0], [0, 1, 1, 0, 0], "uint8"),
        (gymnasium.spaces.MultiBinary(3), [1, 0, 1], [1, 0, 1], "uint8"),
    ],
)
def test_every_number_is_seen_as_it_is_and_categories_one_hot(
    monkeypatch, space, frame, seen, dtype
):
    games, _ = spaces_of(monkeypatch, space, frame)
    assert (games.spec.frame, games.spec.dtype) == ((len(seen),), dtype)
    frames = games.reset(np.array([0]))
    assert frames.dtype == dtype and frames[0].tolist() == seen
    assert games.step(np.array([0])).frames[0].tolist() == seen


def test_actions_begin_where_the_environment_begins_to_count(monkeypatch):
    actions = gymnasium.spaces.Discrete(3, start=-1)
    games, env = spaces_of(monkeypatch, BOX(0, 1, (1,)), [0.5], actions)
    games.reset(np.array([0]))
    for action in range(games.spec.actions):
        games.step(np.array([action]))
    assert env.done == [-1, 0, 1]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        ([0, 256], "the number 256"),
        ([-1, 0], "the number -1"),
        ([0.5, 0], "the number 0.5"),
        ([np.nan, 0], "the number nan"),
        ([3], r"shape \(1,\)"),
    ],
)
def test_frames_that_the_space_does_not_hold_are_refused(monkeypatch, frame, message):
    games, _ = spaces_of(monkeypatch, BOX(0, 255, (2,), np.int64), frame)
    with pytest.raises(LotteryError, match=rf"as its space says.*game 0 of 1.*{message}"):
        games.reset(np.array([0]))


MODULE = """
import gymnasium
from gymnasium.wrappers import TimeLimit
from gymnasium.envs.classic_control import CartPoleEnv

class Own(CartPoleEnv):
    pass

def wrapped():
    return TimeLimit(Own(), 7)

def broken():
    raise OSError("no display")

def nothing():
    return None

gymnasium.register("Made-v0", Own, max_episode_steps=9)
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A module of the user's own that nothing has imported yet."""
    (tmp_path / "made_games.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(user_modules, "_allowed", set())
    yield "made_games"
    sys.modules.pop("made_games", None)
    gymnasium.registry.pop("Made-v0", None)


@pytest.mark.parametrize(
    ("name", "fields", "limit"),
    [("Made-v0", {}, 9), ("wrapped", {}, 7), ("Own", {"time_limit": 5}, 5)],
)
def test_an_environment_of_ones_own_is_imported_where_the_user_names_it(
    own_module, name, fields, limit
):
    user_modules.allow(own_module)
    games = games_of(f"{own_module}:{name}", 1, **fields)
    assert games.spec == GameSpec((4,), "float32", 2, limit)
    assert played(games, limit + 2).shape == (limit + 3, 1, 4)


def test_a_module_is_not_imported_for_the_sake_of_a_run_folder(own_module):
    config = RLData(name=f"{own_module}:wrapped")
    assert config.modules == (own_module,)
    with pytest.raises(LotteryError, match=r"a module that you named yourself.*'made_games'"):
        maker(config)
    assert own_module not in sys.modules
    importlib.import_module(own_module)
    assert maker(RLData(name=f"{own_module}:Made-v0")).spec.time_limit == 9
    with pytest.raises(LotteryError, match=r"Received: 'wrapped'\. It has: CartPoleEnv, Own"):
        maker(config)  # a function of a module that was imported for something else


def test_a_function_of_any_imported_module_is_not_called():
    with pytest.raises(LotteryError, match=r"Received: 'abort'\. It has: no class of them"):
        maker(RLData(name="os:abort"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("made_games:nothing", "environment of gymnasium from made_games:nothing.*: NoneType"),
        ("made_games:broken", "'made_games:broken' to be made.*OSError: no display"),
        ("made_games:Onw", "Received: 'Onw'. It has: CartPoleEnv, Own"),
        ("no_such_module:Own", "No module named 'no_such_module'.*PYTHONPATH"),
    ],
)
def test_a_module_without_the_environment_is_named(own_module, name, message):
    user_modules.allow(own_module, "no_such_module")
    with pytest.raises(LotteryError, match=message):
        maker(RLData(name=name))
