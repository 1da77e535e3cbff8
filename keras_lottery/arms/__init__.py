"""What is trained at a round: the winning ticket and the controls.

Those that stand alone have a file each; families of them have one a family.
"""

from collections.abc import Sequence

from keras_lottery.arms.at_init import AT_INIT
from keras_lottery.registry import Registry
from keras_lottery.types import Arm, Training

arms: Registry[Arm] = Registry("arm")
for _name in (
    "dense",
    "winning",
    "reinit",
    "permuted_layer",
    "permuted_global",
    "init_permuted",
    "one_shot",
    "winning_init",
    "random_mask",
    "layers_shuffled",
):
    arms.register_lazily(_name, f"keras_lottery.arms.{_name}:{_name.upper()}")
_SUPERMASK = ("supermask", "supermask_signed", "supermask_rescaled", "supermask_rescaled_signed")
_EDGE_POPUP = ("edge_popup", "edge_popup_signed")
LEARNED = (*_SUPERMASK, *_EDGE_POPUP)
"""Arms that train a mask, and no weight."""

_SHARED: dict[str, tuple[str, ...]] = {
    "retrained": ("learning_rate_rewind", "fine_tune"),
    "supermask": _SUPERMASK,
    "edge_popup": _EDGE_POPUP,
}
for _file, _names in _SHARED.items():
    for _name in _names:
        arms.register_lazily(_name, f"keras_lottery.arms.{_file}:{_name.upper()}")

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
}
"""Arms that are drawn together, by the module that holds them."""

for _family, _names in FAMILIES.items():
    for _name in _names:
        arms.register_lazily(_name, f"keras_lottery.arms.{_family}:{_name.upper()}")

FAMILIES["pruned_before_training"] = tuple(_arm.name for _arm in AT_INIT)
for _arm in AT_INIT:
    arms.register(_arm.name)(_arm)


def rounds_of(name: str, rounds: int, given: Sequence[int] = ()) -> Sequence[int]:
    """Returns the rounds in which an arm is trained.

    Args:
        name: of the arm.
        rounds: of the experiment.
        given: those that the config names; an arm with a chain of its own needs all before them.
    """
    if name in arms and getattr(arms[name], "once", False):
        return (1,)  # nothing in it depends on the round
    chain = name in arms and arms[name].iterative
    last = max(given, default=rounds)
    return [n for n in range(1, min(last, rounds) + 1) if chain or not given or n in given]


def needed(arm: str) -> list[str]:
    """Returns the other arms whose tickets an arm is made from, theirs before them."""
    probe = Training("", "", 0, 1, arm)
    parents = [p.arm for p in arms[arm].parents(probe) if p.arm not in ("dense", arm)]
    return [name for parent in parents for name in (*needed(parent), parent)]


__all__ = ["FAMILIES", "LEARNED", "arms", "needed", "rounds_of"]
