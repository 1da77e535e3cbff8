"""Environments from the user's own modules: `module:Name`."""

from typing import Any

import gymnasium

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.config import RLData


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
