"""The environments by name; gymnasium is imported lazily."""

from typing import Any

from keras_lottery.registry import Registry

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

environments: Registry[Any] = Registry("environment")

_HERE = "keras_lottery.tasks.rl.environments"

for _name in ("CartPole-v1", "Acrobot-v1", "LunarLander-v3"):
    environments.register_lazily(_name, f"{_HERE}.make:CLASSIC")
for _name in MINATAR:
    environments.register_lazily(f"MinAtar/{_name}", f"{_HERE}.minatar:MINATAR")
for _name in ATARI:
    environments.register_lazily(f"ALE/{_name}", f"{_HERE}.atari:ATARI")
