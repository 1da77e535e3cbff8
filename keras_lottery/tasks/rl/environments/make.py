"""From the name of an environment to its constructor."""

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import gymnasium

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError, to_install
from keras_lottery.tasks.rl.config import RLData
from keras_lottery.tasks.rl.environments.registry import ATARI, Kind, environments
from keras_lottery.tasks.rl.environments.spaces import GameSpec, frame_dtype, playable, time_limit


@dataclass(frozen=True)
class Maker:
    """Creates an environment of known shapes.

    Args:
        make: returns a new environment; True for training.
        spec: its shapes.
    """

    make: Callable[[bool], gymnasium.Env[Any, Any]]
    spec: GameSpec


def maker(config: RLData) -> Maker:
    """Returns the maker of the environment that a config names.

    Raises:
        LotteryError: there is no such game, its actions are not a finite set, its observations
            are not an array, or it has no time limit.
        MissingExtraError: it needs a package that is not installed.
    """
    kind = _kind(config.name)

    def make(training: bool) -> gymnasium.Env[Any, Any]:
        return playable(kind.make(config, training), config.name)

    try:
        env = make(True)
    except LotteryError:
        raise
    except Exception as error:  # environments may raise anything
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LotteryError(
            f"Expected an environment {config.name!r} that can be created. Received: {reason} "
            "Fix the environment or choose another one."
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
    """Returns the environment that gymnasium has under the config's name."""
    limit = config.time_limit or None
    try:
        return gymnasium.make(config.name, max_episode_steps=limit, disable_env_checker=True)
    except gymnasium.error.DependencyNotInstalled as error:
        raise LotteryError(
            f"Expected the packages of the environment {config.name!r}. Received: {error} "
            f"{to_install('rl')}"
        ) from error


def unknown_environment(name: str) -> LotteryError:
    """Returns the error for a name unknown to both this package and gymnasium."""
    known = [*environments, *gymnasium.registry]
    short = {known_name.lower(): known_name for known_name in known}
    near = [
        short[known_name] for known_name in get_close_matches(name.lower(), short, n=3, cutoff=0.5)
    ]
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return LotteryError(
        f"Expected the name of an environment. Received: {name!r}.{hint} "
        f"Known here: {', '.join(environments)}; any other ALE/<game>, everything registered with "
        "gymnasium, and module:Name."
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
"""CartPole, Acrobot and LunarLander, as in gymnasium."""


def from_module(config: RLData, training: bool) -> gymnasium.Env[Any, Any]:
    """Returns the environment `module:Name`.

    `Name` is an id that the module registers with gymnasium, an environment class, or a function
    without arguments that returns an environment, with any wrappers.

    Raises:
        LotteryError: the module isn't allowed to be imported, fails to, or has no such environment.
    """
    module_name, _, name = config.name.partition(":")
    module = user_modules.load(module_name)
    limit = config.time_limit or None
    if name in gymnasium.registry:
        return gymnasium.make(name, max_episode_steps=limit, disable_env_checker=True)
    make = getattr(module, name, None)
    is_class = isinstance(make, type) and issubclass(make, gymnasium.Env)
    # A config from a run folder could name any function of an imported module.
    if not callable(make) or not (is_class or user_modules.is_allowed(module_name)):
        raise LotteryError(
            f"Expected the id of an environment that {module_name} registers, a class of "
            "environments in it, or, where you named the module yourself, a function that returns "
            f"one. Received: {name!r}. It has: {', '.join(_known(module)) or 'no class of them'}."
        )
    env = make()
    if not isinstance(env, gymnasium.Env):
        raise LotteryError(
            f"Expected an environment of gymnasium from {config.name}. "
            f"Received: {type(env).__name__}. Return an instance of gymnasium.Env."
        )
    return gymnasium.wrappers.TimeLimit(env, limit) if limit else env


def _known(module: object) -> list[str]:
    classes = {name: value for name, value in vars(module).items() if isinstance(value, type)}
    return [
        name
        for name, value in classes.items()
        if issubclass(value, gymnasium.Env) and not issubclass(value, gymnasium.Wrapper)
    ]
