"""From the name of a game to what makes it."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import gymnasium
import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments import environments
from keras_lottery.tasks.rl.environments.spec import GameSpec

Make = Callable[[RLData, bool], gymnasium.Env[Any, Any]]
"""`(config, training) -> environment`; what is for training alone is left out of an evaluation."""


@dataclass(frozen=True)
class Maker:
    """How one game is made, and what it looks like.

    Args:
        make: returns a new environment; True for training.
        spec: its shapes.
    """

    make: Callable[[bool], gymnasium.Env[Any, Any]]
    spec: GameSpec


@dataclass(frozen=True)
class Kind:
    """A registered environment.

    Args:
        make: returns a new environment.
        stack: frames that an observation consists of.
        time_limit: frames after which it is cut off where gymnasium does not say.
    """

    make: Make
    stack: int = 1
    time_limit: int = 0


def maker(config: RLData) -> Maker:
    """Returns what makes the game that a config names.

    Raises:
        LotteryError: there is no such game, or its actions are not a finite set.
        MissingExtraError: it needs a package that is not installed.
    """
    kind = environments[config.name] if config.name in environments else _of_gymnasium(config)
    env = kind.make(config, True)
    try:
        return Maker(lambda training: kind.make(config, training), _spec(env, config, kind))
    finally:
        env.close()


def from_gymnasium(config: RLData, training: bool) -> gymnasium.Env[Any, Any]:
    """Returns an environment that gymnasium knows under the name of the config."""
    limit = config.time_limit or None
    try:
        return gymnasium.make(config.name, max_episode_steps=limit, disable_env_checker=True)
    except gymnasium.error.DependencyNotInstalled as error:
        raise LotteryError(
            f"Expected the packages of the environment {config.name!r}. Received: {error} "
            "Run: pip install 'keras-lottery[rl]'"
        ) from error


def _of_gymnasium(config: RLData) -> Kind:
    if config.name not in gymnasium.registry:
        raise _unknown(config.name)
    return Kind(from_gymnasium)


def _unknown(name: str) -> LotteryError:
    known = [*environments, *gymnasium.registry]
    short = {one.lower(): one for one in known}
    near = [short[one] for one in get_close_matches(name.lower(), short, n=3, cutoff=0.5)]
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return LotteryError(
        f"Expected the name of an environment. Received: {name!r}.{hint} "
        f"Known here: {', '.join(environments)}; and whatever gymnasium has registered."
    )


def _spec(env: gymnasium.Env[Any, Any], config: RLData, kind: Kind) -> GameSpec:
    actions, observations = env.action_space, env.observation_space
    if not isinstance(actions, gymnasium.spaces.Discrete):
        raise LotteryError(
            "Expected an environment with a finite set of actions: DQN values each of them. "
            f"Received: {config.name!r}, whose actions are {actions}. Choose another one."
        )
    if not isinstance(observations, gymnasium.spaces.Box):
        raise LotteryError(
            "Expected an environment whose observations are one array of numbers. "
            f"Received: {config.name!r}, whose observations are {observations}. Choose another one."
        )
    own = None if kind.time_limit or env.spec is None else env.spec.max_episode_steps
    return GameSpec(
        frame=tuple(observations.shape),
        dtype="float32" if np.issubdtype(observations.dtype, np.floating) else "uint8",
        actions=int(actions.n),
        time_limit=config.time_limit or own or kind.time_limit,
        stack=kind.stack,
    )


CLASSIC = Kind(from_gymnasium)
"""CartPole, Acrobot, LunarLander: as gymnasium has them."""
