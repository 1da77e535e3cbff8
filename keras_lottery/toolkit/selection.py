"""Selecting what to prune: variables by options, and groups of weights by pattern."""

from dataclasses import replace

import keras

from keras_lottery import pruning
from keras_lottery.compaction.channels import channel_inventory
from keras_lottery.masking.inventory import Inventory, read_model
from keras_lottery.masking.options import Options
from keras_lottery.types import VariableInfo

__all__ = ["describe_selected", "select"]


def select(model: keras.Layer, options: Options) -> Inventory:
    """Returns the inventory of a model, marked prunable under the options and their pattern.

    Raises:
        LotteryError: the model is not built, a path pattern matches nothing, or the channels of
            the model can't be traced.
    """
    inventory = read_model(model, options)
    if pruning.needs_channels(options.pattern):
        return channel_inventory(inventory, options)
    infos = [entry.info for entry in inventory.entries]
    by_layout = pruning.layout_of(options.pattern, infos).infos
    if by_layout is infos:
        return inventory
    marked = {info.path: info for info in by_layout}
    return replace(
        inventory,
        entries=tuple(
            replace(entry, info=_with_reason(entry.info, marked[entry.info.path]))
            for entry in inventory.entries
        ),
    )


def describe_selected(model: keras.Layer, options: Options) -> list[VariableInfo]:
    """Returns every weight of a model, like `masking.describe`, marked by the pattern too."""
    return select(model, options).infos


def _with_reason(info: VariableInfo, marked: VariableInfo) -> VariableInfo:
    return replace(info, prunable=marked.prunable, reason=marked.reason)
