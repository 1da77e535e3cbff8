"""Environments of the user's own: their spaces, and the modules that they come from."""

import importlib
import sys
from types import ModuleType

import gymnasium
import numpy as np
import pytest

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments.make import maker
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from tests.tasks.rl.made import games_of, played


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
    with pytest.raises(LotteryError, match=rf"that match its space.*game 0 of 1.*{message}"):
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
        ("made_games:broken", "'made_games:broken' that can be created.*OSError: no display"),
        ("made_games:Onw", "Received: 'Onw'. It has: CartPoleEnv, Own"),
        ("no_such_module:Own", "No module named 'no_such_module'.*PYTHONPATH"),
    ],
)
def test_a_module_without_the_environment_is_named(own_module, name, message):
    user_modules.allow(own_module, "no_such_module")
    with pytest.raises(LotteryError, match=message):
        maker(RLData(name=name))
