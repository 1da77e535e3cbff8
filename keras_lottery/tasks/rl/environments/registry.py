"""The environments by name; gymnasium is imported lazily."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_lottery.registry import Registry
from keras_lottery.tasks.rl.config import RLData

if TYPE_CHECKING:
    import gymnasium

MINATAR = ("asterix", "breakout", "freeway", "seaquest", "space_invaders")
ATARI = (
    "Assault",
    "Berzerk",
    "Breakout",
    "Centipede",
    "Kangaroo",
    "Krull",
    "Qbert",
    "Seaquest",
    "SpaceInvaders",
)
"""The nine games of Yu et al. 2019 (1906.02768)."""

Make = Callable[[RLData, bool], "gymnasium.Env[Any, Any]"]
"""`(config, training) -> environment`; wrappers for training only are omitted in evaluation."""


@dataclass(frozen=True)
class Kind:
    """A registered environment.

    Args:
        make: returns a new environment.
        stack: frames per observation.
        time_limit: frames after which it is truncated, if gymnasium has no limit.
    """

    make: Make
    stack: int = 1
    time_limit: int = 0


environments: Registry[Kind] = Registry("environment")

_HERE = "keras_lottery.tasks.rl.environments"

for _name in ("CartPole-v1", "Acrobot-v1", "LunarLander-v3"):
    environments.register_lazily(_name, f"{_HERE}.make:CLASSIC", "From gymnasium.")
for _name in MINATAR:
    environments.register_lazily(
        f"MinAtar/{_name}", f"{_HERE}.minatar:MINATAR", "10×10 version of an Atari game."
    )
for _name in ATARI:
    environments.register_lazily(
        f"ALE/{_name}", f"{_HERE}.atari:ATARI", "Atari game of the Arcade Learning Environment."
    )
