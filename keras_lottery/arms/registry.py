"""The arms by name, the families that share a figure, and the rounds that each arm needs."""

from collections.abc import Sequence

from keras_lottery.arms.descriptions import DESCRIPTIONS
from keras_lottery.arms.prune_at_init import AT_INIT
from keras_lottery.protocols import Arm
from keras_lottery.registry import Registry
from keras_lottery.types import Training

arms: Registry[Arm] = Registry("arm")
_SUPERMASK = ("supermask", "supermask_signed", "supermask_rescaled", "supermask_rescaled_signed")
_EDGE_POPUP = ("edge_popup", "edge_popup_signed")
LEARNED = (*_SUPERMASK, *_EDGE_POPUP)
"""Arms that train only a mask."""

_KEPT = (
    "random_reinit",
    "random_reshuffle",
    "random_constant",
    "signed_reinit",
    "signed_reshuffle",
    "signed_constant",
)
FAMILIES: dict[str, tuple[str, ...]] = {
    "mask_criteria": (
        "magnitude_increase",
        "movement",
        "large_init_large_final",
        "large_final_same_sign",
        "large_final_diff_sign",
        "large_init",
        "small_final",
        "small_init",
        "small_init_small_final",
        "random",
    ),
    "kept_values": (*_KEPT, "rewind_rescaled", *(f"{name}_rescaled" for name in _KEPT)),
    "pruned_values": (
        "freeze_init",
        "freeze_init_zero_mask",
        "freeze_init_zero_all",
        "freeze_init_zero_reshuffle",
        "freeze_init_zero_rev",
    ),
    "inertial_manifold_interpretation": (
        "inertial_manifold",
        "matched_curvature",
        "matched_magnitude",
        "matched_snip",
        "matched_random",
    ),
    "pruned_before_training": tuple(arm.name for arm in AT_INIT),
}
"""Arms that share a separate figure."""

_MODULES: dict[str, tuple[str, ...]] = {
    "winning": (
        "dense",
        "winning",
        "winning_init",
        "one_shot",
        "learning_rate_rewind",
        "fine_tune",
    ),
    "reinit": ("reinit", "init_permuted", "layers_shuffled"),
    "permuted": (
        "permuted_layer",
        "permuted_global",
        "permuted_word",
        "permuted_input",
        "random_mask",
    ),
    "learned": LEARNED,
    "deconstructing": tuple(
        _name
        for _family in ("mask_criteria", "kept_values", "pruned_values")
        for _name in FAMILIES[_family]
    ),
    "inertial_manifold_interpretation": FAMILIES["inertial_manifold_interpretation"],
}
for _module, _names in _MODULES.items():
    for _name in _names:
        arms.register_lazily(
            _name, f"keras_lottery.arms.{_module}:{_name.upper()}", DESCRIPTIONS[_name]
        )

for _arm in AT_INIT:
    arms.add(_arm.name, _arm, DESCRIPTIONS[_arm.name])


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
