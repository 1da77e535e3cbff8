"""Choosing the variables of a model that get a mask, and adding the masks to their layers."""

from collections.abc import Iterable

from keras_lottery.errors import LotteryError
from keras_lottery.masking import learned
from keras_lottery.masking.inventory import LORA, STATE, Entry, Inventory
from keras_lottery.masking.mask_layer import MaskedVariable, MaskHolder, masked
from keras_lottery.masking.options import MaskOptions
from keras_lottery.masking.parametrizations import parametrizations
from keras_lottery.patterns import matches

__all__ = ["Choice", "add_masks", "choose", "choose_paths"]

Choice = tuple[Entry, str]
"""A variable and the parametrization of its mask."""


def choose(inventory: Inventory, options: MaskOptions, parametrization: str) -> list[Choice]:
    """Returns the variables of a model that `options` select.

    Args:
        inventory: of the model under these options.
        options: what is masked.
        parametrization: of the masks.

    Raises:
        LotteryError: they select nothing, or a layer under LoRA.
    """
    _check_lora(inventory, options)
    chosen = [(entry, parametrization) for entry in inventory.entries if entry.info.prunable]
    if not chosen:
        raise LotteryError(_nothing(inventory))
    return chosen


def choose_paths(inventory: Inventory, names: Iterable[tuple[str, str]]) -> list[Choice]:
    """Returns the variables with the given (path, parametrization), where the model has them."""
    by_path = {entry.info.path: entry for entry in inventory.entries}
    return [(by_path[path], kind) for path, kind in names if path in by_path]


def add_masks(chosen: Iterable[Choice], keep: float | None = None) -> list[MaskedVariable]:
    """Adds a full mask for each variable that has none of its parametrization; returns the new.

    Args:
        chosen: the variables.
        keep: fraction that edge-popup keeps of each, new or not; None: leave it.
    """
    added = []
    for one, parametrization in chosen:
        record = masked(one.variable)
        if record is None or record.parametrization.name != parametrization:
            record = _add(one, parametrization)
            added.append(record)
        if keep is not None:
            learned.set_kept(record, keep)
    return added


def _add(one: Entry, parametrization: str) -> MaskedVariable:
    record = masked(one.variable)
    if record is not None and (parametrization == "zero" or record.parametrization.learned):
        raise LotteryError(
            f"Expected the parametrization that {one.info.path!r} has, "
            f"{record.parametrization.name!r}. Received: {parametrization!r}. "
            "Strip the model first, or mask a fresh one."
        )
    chosen = parametrizations[parametrization]
    added = MaskHolder.within(one.owner).add(one.name, one.variable, chosen)
    if chosen.keep is not None:
        learned.set_kept(added, chosen.keep)
    return added


def _check_lora(inventory: Inventory, options: MaskOptions) -> None:
    """Refuses to mask layers under LoRA: their kernel W + AB would stay dense."""
    for one in inventory.entries:
        places, layer = one.info.places, one.info.path.rpartition("/")[0]
        chosen = not options.include or matches(places, options.include)
        if one.info.reason == LORA and chosen and not matches(places, options.exclude):
            raise LotteryError(
                "Expected a layer without LoRA, under which the kernel that is used is W + AB and "
                f"no mask of W makes it sparse. Received: {layer!r}. Merge W + AB first, "
                "by model = kl.strip(model), or exclude the layer."
            )


def _nothing(inventory: Inventory) -> str:
    entries = inventory.entries
    reasons = [f"{o.info.path} ({o.info.reason})" for o in entries if o.info.kind != STATE]
    more = f"; and {len(reasons) - 8} more" if len(reasons) > 8 else ""
    return (
        "Expected a model with variables that can be pruned. Received: "
        f"{inventory.model.name!r} with {'; '.join(reasons[:8]) or 'no weights'}{more}. "
        "Change include, exclude and the other options, or call register_prunable for a layer "
        "of your own."
    )
