"""From the name of a game to what makes it."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import gymnasium

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments.modules import from_module
from keras_lottery.tasks.rl.environments.registry import ATARI, environments
from keras_lottery.tasks.rl.environments.spaces import frame_dtype, playable, time_limit
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
        LotteryError: there is no such game, its actions are not a finite set, its observations
            are no array, or it has no time limit.
        MissingExtraError: it needs a package that is not installed.
    """
    kind = _kind(config.name)

    def make(training: bool) -> gymnasium.Env[Any, Any]:
        return playable(kind.make(config, training), config.name)

    try:
        env = make(True)
    except LotteryError:
        raise
    except Exception as error:  # whatever an environment raises
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LotteryError(
            f"Expected the environment {config.name!r} to be made. Received: {reason} "
            "Mend the environment or choose another one."
        ) from error
    try:
        return Maker(make, _spec(env, config, kind))
    finally:
        env.close()


def _kind(name: str) -> Kind:
    if name in environments:
        return environments[name]
    if name.startswith("ALE/"):
        return environments[f"ALE/{ATARI[0]}"]
    if ":" in name:
        return Kind(from_module)
    if name in gymnasium.registry:
        return Kind(from_gymnasium)
    raise unknown_environment(name)


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


def unknown_environment(name: str) -> LotteryError:
    """Returns the error for a name that neither this package nor gymnasium knows."""
    known = [*environments, *gymnasium.registry]
    short = {known_name.lower(): known_name for known_name in known}
    near = [
        short[known_name] for known_name in get_close_matches(name.lower(), short, n=3, cutoff=0.5)
    ]
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return LotteryError(
        f"Expected the name of an environment. Received: {name!r}.{hint} "
        f"Known here: {', '.join(environments)}; any other ALE/<game>, whatever gymnasium has "
        "registered, and module:Name."
    )


def _spec(env: gymnasium.Env[Any, Any], config: RLData, kind: Kind) -> GameSpec:
    actions, observations = env.action_space, env.observation_space
    limit = config.time_limit or kind.time_limit or time_limit(env)
    if not limit:
        raise LotteryError(
            "Expected a time limit, without which a greedy game may never end. Received: "
            f"{config.name!r}, which has none. Set data.time_limit, e.g. to 200."
        )
    return GameSpec(
        frame=tuple(observations.shape or ()),
        dtype=frame_dtype(observations),
        actions=int(actions.n),  # type: ignore[attr-defined]
        time_limit=limit,
        stack=kind.stack,
    )


CLASSIC = Kind(from_gymnasium)
"""CartPole, Acrobot, LunarLander: as gymnasium has them."""
