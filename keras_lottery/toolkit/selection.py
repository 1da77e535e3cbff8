"""What is pruned in a model under its options: variables, and under a pattern their groups."""

from dataclasses import replace

import keras

from keras_lottery import pruning
from keras_lottery.compaction.channels import channel_inventory
from keras_lottery.masking.inventory import Inventory, read_model
from keras_lottery.masking.options import Options
from keras_lottery.types import VariableInfo

__all__ = ["describe_selected", "select"]


def select(model: keras.Layer, options: Options) -> Inventory:
    """Returns the inventory of a model, marked by what options and their pattern let be pruned.

    Raises:
        LotteryError: the model is not built, a pattern of paths matches nothing, or the channels
            of the model can't be followed.
    """
    inventory = read_model(model, options)
    if pruning.needs_channels(options.pattern):
        return channel_inventory(inventory, options)
    infos = [entry.info for entry in inventory.entries]
    under_pattern = pruning.layout_of(options.pattern, infos).infos
    if under_pattern is infos:
        return inventory
    marked = {i.path: i for i in under_pattern}
    return replace(
        inventory,
        entries=tuple(
            replace(entry, info=_with_reason(entry.info, marked[entry.info.path]))
            for entry in inventory.entries
        ),
    )


def describe_selected(model: keras.Layer, options: Options) -> list[VariableInfo]:
    """Returns every weight of a model, as `masking.describe`, marked for a pattern too."""
    return select(model, options).infos


def _with_reason(info: VariableInfo, marked: VariableInfo) -> VariableInfo:
    return replace(info, prunable=marked.prunable, reason=marked.reason)
