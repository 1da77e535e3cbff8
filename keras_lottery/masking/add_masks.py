"""Choosing which variables of a model to mask, and adding the masks to their layers."""

from collections.abc import Iterable

from keras_lottery.errors import LotteryError
from keras_lottery.masking import learned
from keras_lottery.masking.inventory import LORA, STATE, Entry, Inventory
from keras_lottery.masking.mask_holder import MaskHolder
from keras_lottery.masking.masked_variable import MaskedVariable, masked
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
        options: which variables to mask.
        parametrization: name of the masks' parametrization.

    Raises:
        LotteryError: the options select nothing, or a layer with LoRA.
    """
    _check_lora(inventory, options)
    chosen = [(entry, parametrization) for entry in inventory.entries if entry.info.prunable]
    if not chosen:
        raise LotteryError(_nothing(inventory))
    return chosen


def choose_paths(inventory: Inventory, names: Iterable[tuple[str, str]]) -> list[Choice]:
    """Returns the variables at the given (path, parametrization); unknown paths are skipped."""
    by_path = {entry.info.path: entry for entry in inventory.entries}
    return [(by_path[path], kind) for path, kind in names if path in by_path]


def add_masks(chosen: Iterable[Choice], keep: float | None = None) -> list[MaskedVariable]:
    """Adds all-ones masks to variables without one of their parametrization; returns the new masks.

    Args:
        chosen: the variables.
        keep: fraction that edge-popup keeps of each, new or not; None: unchanged.
    """
    added, chosen = [], list(chosen)
    for entry, parametrization in chosen:  # all of them before any: an error changes nothing
        _check_parametrization(entry, parametrization)
    for entry, parametrization in chosen:
        record = masked(entry.variable)
        if record is None or record.parametrization.name != parametrization:
            record = _add(entry, parametrization)
            added.append(record)
        if keep is not None:
            learned.set_kept(record, keep)
    return added


def _check_parametrization(entry: Entry, parametrization: str) -> None:
    record = masked(entry.variable)
    if record is None or record.parametrization.name == parametrization:
        return
    if parametrization == "zero" or record.parametrization.learned:
        raise LotteryError(
            f"Expected the parametrization that {entry.info.path!r} has, "
            f"{record.parametrization.name!r}. Received: {parametrization!r}. "
            "Strip the model first, or mask a fresh one."
        )


def _add(entry: Entry, parametrization: str) -> MaskedVariable:
    chosen = parametrizations[parametrization]
    added = MaskHolder.within(entry.owner).add(entry.name, entry.variable, chosen)
    if chosen.keep is not None:
        learned.set_kept(added, chosen.keep)
    return added


def _check_lora(inventory: Inventory, options: MaskOptions) -> None:
    """Raises if a layer to be masked has LoRA: its kernel W + AB would stay dense."""
    for entry in inventory.entries:
        places, layer = entry.info.places, entry.info.path.rpartition("/")[0]
        chosen = not options.include or matches(places, options.include)
        if entry.info.reason == LORA and chosen and not matches(places, options.exclude):
            raise LotteryError(
                "Expected a layer without LoRA: its kernel is W + AB, which stays dense when W is "
                f"masked. Received: {layer!r}. Merge W + AB first with model = kl.strip(model), "
                "or exclude the layer."
            )


def _nothing(inventory: Inventory) -> str:
    entries = inventory.entries
    reasons = [f"{e.info.path} ({e.info.reason})" for e in entries if e.info.kind != STATE]
    more = f"; and {len(reasons) - 8} more" if len(reasons) > 8 else ""
    return (
        "Expected a model with variables that can be pruned. Received: "
        f"{inventory.model.name!r} with {'; '.join(reasons[:8]) or 'no weights'}{more}. "
        "Change include, exclude and the other options, or call register_prunable for a custom "
        "layer."
    )
