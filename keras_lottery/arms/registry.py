"""The arms by name, the families that share a figure, and the rounds that each arm needs."""

from collections.abc import Sequence

from keras_lottery.arms import (
    deconstructing,
    inertial_manifold_interpretation,
    learned,
    permuted,
    prune_at_init,
    reinit,
    winning,
)
from keras_lottery.arms.descriptions import DESCRIPTIONS
from keras_lottery.protocols import Arm
from keras_lottery.registry import Registry
from keras_lottery.types import Training

arms: Registry[Arm] = Registry("arm")
for _module in (
    winning,
    reinit,
    permuted,
    learned,
    deconstructing,
    inertial_manifold_interpretation,
    prune_at_init,
):
    for _arm in _module.ARMS:
        arms.add(_arm.name, _arm, DESCRIPTIONS[_arm.name])


def _names(family: Sequence[Arm]) -> tuple[str, ...]:
    return tuple(arm.name for arm in family)


LEARNED = _names(learned.ARMS)
"""Arms that train only a mask."""

FAMILIES: dict[str, tuple[str, ...]] = {
    "mask_criteria": _names(deconstructing.MASK_CRITERIA),
    "kept_values": _names(deconstructing.KEPT_VALUES),
    "pruned_values": _names(deconstructing.PRUNED_VALUES),
    "inertial_manifold_interpretation": _names(inertial_manifold_interpretation.ARMS),
    "pruned_before_training": _names(prune_at_init.ARMS),
}
"""Arms that share a separate figure."""


def rounds_of(name: str, rounds: int, limited_to: Sequence[int] = ()) -> Sequence[int]:
    """Returns the rounds in which an arm is trained.

    Args:
        name: name of the arm.
        rounds: number of rounds of the experiment.
        limited_to: rounds named by the config; empty: all. An iterative arm needs all before
            them, too.
    """
    if name in arms and arms[name].once:
        return (1,)  # it doesn't depend on the round
    iterative = name in arms and arms[name].iterative
    last = max(limited_to, default=rounds)
    return [
        n for n in range(1, min(last, rounds) + 1) if iterative or not limited_to or n in limited_to
    ]


def needed(arm: str) -> list[str]:
    """Returns the other arms that an arm is made from, in the order of training."""
    probe = Training("", "", 0, 1, arm)
    parents = [p.arm for p in arms[arm].parents(probe) if p.arm not in ("dense", arm)]
    return [name for parent in parents for name in (*needed(parent), parent)]
