"""The channels of a model for pruning, as arrays of channel numbers along variables' axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from weakref import WeakKeyDictionary

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.compaction.call import rule_changes
from keras_lottery.compaction.trace import trace
from keras_lottery.masking import strip
from keras_lottery.masking.inventory import Inventory
from keras_lottery.masking.options import MaskOptions, Options
from keras_lottery.masking.paths import variables
from keras_lottery.pruning.channels import Channels
from keras_lottery.types import MaskSet, VariableInfo

__all__ = ["ChannelCost", "channel_inventory", "cost_of"]

_KERNELS = ("kernel", "recurrent", "embedding")

Ids = NDArray[np.int64]
Axes = tuple[Ids | None, ...]


@dataclass(frozen=True, eq=False)
class _Wiring:
    """The dependency graph by path of the variable.

    Args:
        axes: group of coupled channels at each index of each axis.
        makes: axes that the variable computes.
        reads: axes that the variable reads, and doesn't compute.
        uses: multiplications with each weight in one example's forward pass.
        pinned: group -> why it stays.
        groups: number of groups.
    """

    axes: dict[str, Axes] = field(default_factory=dict)
    makes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    reads: dict[str, tuple[int, ...]] = field(default_factory=dict)
    uses: dict[str, int] = field(default_factory=dict)
    pinned: dict[int, str] = field(default_factory=dict)
    groups: int = 0


_cache: WeakKeyDictionary[keras.Layer, tuple[list[int], _Wiring]] = WeakKeyDictionary()


def channel_inventory(inventory: Inventory, options: Options | None = None) -> Inventory:
    """Returns an inventory in which variables with prunable channels are prunable.

    A channel can't be pruned if the graph pins it, if the options exclude a kernel that computes
    it, or if masks reach none of the weights that compute it or not all that read it. Variables
    that read a prunable channel are prunable in its slices under any options.
    """
    wiring = _wiring(inventory.model)
    by_path = {entry.info.path: entry.info for entry in _following(inventory, options).entries}
    stays = _stays(wiring, by_path)
    number = np.full(wiring.groups, -1, np.int64)
    free = np.array([g for g in range(wiring.groups) if g not in stays], np.int64)
    number[free] = np.arange(len(free))
    return replace(
        inventory,
        entries=tuple(
            replace(entry, info=_marked(by_path[entry.info.path], wiring, number, stays))
            for entry in inventory.entries
        ),
    )


def _following(inventory: Inventory, options: Options | None) -> Inventory:
    """Returns the inventory under options that let biases and norms follow kernels."""
    chosen = options or MaskOptions()
    return inventory.under(
        MaskOptions(
            include=chosen.include,
            exclude=chosen.exclude,
            biases=True,
            norms=True,
            embeddings=chosen.embeddings,
            output=chosen.output,
            paths=getattr(chosen, "paths", frozenset()),
        )
    )


def _stays(wiring: _Wiring, infos: Mapping[str, VariableInfo]) -> dict[int, str]:
    """Returns the groups that can't be pruned, with the reason."""
    excluded: dict[int, str] = {}
    maskable, unmasked = np.zeros(wiring.groups, np.bool_), _unmasked(wiring.makes, wiring, infos)
    for path, axes in wiring.makes.items():
        info = infos.get(path)
        for axis in axes:
            ids = wiring.axes[path][axis]
            if ids is None or info is None or not info.maskable:
                continue
            maskable[ids] = True
            if info.kind in _KERNELS and not info.prunable:
                excluded |= dict.fromkeys(np.unique(ids).tolist(), f"{path}: {info.reason}")
    off = {
        g: f"no mask can switch it off ({unmasked.get(g, 'it has no weights')})"
        for g in np.flatnonzero(~maskable).tolist()
    }
    # The value of a channel that is switched off can be a constant other than 0, as behind a
    # sigmoid. So a reader without a mask would still depend on it.
    read = {
        g: f"no mask reaches {why}" for g, why in _unmasked(wiring.reads, wiring, infos).items()
    }
    return off | read | wiring.pinned | excluded


def _unmasked(
    axes: Mapping[str, Sequence[int]], wiring: _Wiring, infos: Mapping[str, VariableInfo]
) -> dict[int, str]:
    """Returns the groups along some axes of variables that can't have a mask, with the reason."""
    return {
        group: f"{path}: {infos[path].reason}"
        for path, along in axes.items()
        if path in infos and not infos[path].maskable
        for axis in along
        if (ids := wiring.axes[path][axis]) is not None
        for group in np.unique(ids).tolist()
    }


def _marked(
    info: VariableInfo, wiring: _Wiring, number: Ids, stays: Mapping[int, str]
) -> VariableInfo:
    axes = wiring.axes.get(info.path, ())
    numbers = tuple(None if ids is None else number[ids] for ids in axes)
    has_channels = any(ids is not None and (ids >= 0).any() for ids in numbers)
    makes = wiring.makes.get(info.path, ())
    if has_channels and info.maskable:
        return replace(
            info,
            prunable=True,
            reason="",
            channels=numbers,
            makes=makes,
        )
    order = sorted(range(len(axes)), key=lambda axis: axis not in makes)
    reasons = [
        stays.get(int(g), "") for i in order if (ids := axes[i]) is not None for g in ids[:1]
    ]
    why = next(filter(None, reasons), "")
    reason = info.reason or (
        f"its channels can't be removed: {why}" if why else "it has no channels"
    )
    return replace(info, prunable=False, reason=reason)


@dataclass(frozen=True, eq=False)
class ChannelCost:
    """The cost of a model after removing its pruned channels.

    Args:
        layout: the groups of weights.
        shapes: path -> shape of the variable and bytes per weight.
        uses: path -> multiplications with each weight in one example's forward pass.
        numbers: path -> channel at each index of each axis, -1 where it stays.
    """

    layout: Channels
    shapes: Mapping[str, tuple[tuple[int, ...], int]]
    uses: Mapping[str, int]
    numbers: Mapping[str, Axes]

    def flops(self, masks: MaskSet) -> int:
        """Returns twice the multiply-adds of one example's forward pass."""
        remaining = self._remaining(masks)
        return sum(2 * uses * remaining[path] for path, uses in self.uses.items())

    def parameters(self, masks: MaskSet) -> int:
        """Returns the number of parameters, batch-norm statistics included."""
        return sum(self._remaining(masks).values())

    def bytes(self, masks: MaskSet) -> int:
        """Returns the bytes of all parameters."""
        remaining = self._remaining(masks)
        return sum(itemsize * remaining[path] for path, (_, itemsize) in self.shapes.items())

    def _remaining(self, masks: MaskSet) -> dict[str, int]:
        alive = np.append(self.layout.alive(self.layout.fold(masks)), True)  # index -1 stays
        return {
            path: math.prod(
                n if ids is None else int(alive[ids].sum())
                for n, ids in zip(shape, self.numbers.get(path) or (None,) * len(shape))
            )
            for path, (shape, _) in self.shapes.items()
        }


def cost_of(inventory: Inventory) -> ChannelCost:
    """Returns the `ChannelCost` of a model.

    Args:
        inventory: result of `channel_inventory`.
    """
    wiring = _wiring(inventory.model)
    layout = Channels(inventory.infos)
    numbers = _numbers(inventory, wiring)
    shapes = {
        path: (tuple(map(int, v.shape)), keras.backend.standardize_dtype(v.dtype))
        for path, v in inventory.variables.items()
    }
    return ChannelCost(
        layout,
        {path: (shape, _itemsize(dtype)) for path, (shape, dtype) in shapes.items()},
        wiring.uses,
        numbers,
    )


def _numbers(inventory: Inventory, wiring: _Wiring) -> dict[str, Axes]:
    """Returns the channels along the axes of all variables, masked or not."""
    number = np.full(wiring.groups, -1, np.int64)
    for info in inventory.infos:
        for ids, channels in zip(wiring.axes.get(info.path, ()), info.channels):
            if ids is not None and channels is not None:
                number[ids] = channels
    return {
        path: tuple(None if ids is None else number[ids] for ids in axes)
        for path, axes in wiring.axes.items()
    }


def _itemsize(dtype: str) -> int:
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _wiring(model: keras.Layer) -> _Wiring:
    """Returns a model's wiring, cached until its variables change."""
    signature = [id(variable) for variable in variables(model).values()]  # masks don't count
    signature.append(rule_changes())
    if model not in _cache or _cache[model][0] != signature:
        _cache[model] = signature, _read(model)
    return _cache[model][1]


def _read(model: keras.Model) -> _Wiring:
    plain = strip(model)
    graph = trace(plain)
    paths = {id(variable): path for path, variable in variables(plain).items()}
    group, pinned = graph.coupled()
    wiring = _Wiring(pinned=pinned, groups=int(group.max(initial=-1)) + 1)
    for plan in graph.plans.values():
        for slot in plan.slots.values():
            path = paths.get(id(slot.variable))
            if path is not None and path not in wiring.axes:
                wiring.axes[path] = tuple(None if ids is None else group[ids] for ids in slot.axes)
                wiring.makes[path] = slot.makes
    for kernel in graph.kernels:
        path = paths.get(id(kernel.slot.variable))
        if path is not None:
            wiring.uses[path] = wiring.uses.get(path, 0) + kernel.uses
            wiring.reads[path] = tuple(a for a in kernel.reads if a not in kernel.makes)
    return wiring
