"""The dependency graph of a model: tensors, weights, and the units along their axes.

Every axis of every tensor and weight has an array of units, or None if its size never changes.
`Units` stores which units are coupled. A `Kernel` stores which units each unit is computed from.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.compaction.units import Ids, Units

__all__ = ["Axes", "Graph", "Group", "Kernel", "LayerWeight", "Pin", "Plan", "Value"]

Array = NDArray[Any]
Axes = tuple[Ids | None, ...]
Size = Callable[[Ids | None, int], int]
"""`(units of an axis, its size) -> the remaining size`."""


@dataclass(eq=False)
class Value:
    """A tensor of the model.

    Args:
        shape: the shape, with a concrete batch size.
        axes: units along each axis; None for an axis that keeps its size.
        constant: values that don't depend on the input, NaN where they do; broadcastable against
            `shape`. None: nothing is constant.
    """

    shape: tuple[int, ...]
    axes: Axes
    constant: Array | None = None

    def along(self, *axes: int) -> Array:
        """Returns the constants along some axes, NaN where they differ along the others."""
        axes = tuple(axis % len(self.shape) for axis in axes)
        sizes = [self.shape[axis] for axis in axes]
        if self.constant is None:
            return np.full(sizes, np.nan)
        moved = np.moveaxis(self.constant, axes, range(-len(axes), 0))
        kept = moved.shape[moved.ndim - len(axes) :]
        flat = moved.reshape(-1, *kept)
        same = np.where((flat == flat[:1]).all(axis=0), flat[0], np.nan)
        return np.broadcast_to(same, sizes)


@dataclass(eq=False)
class LayerWeight:
    """A weight and the units along its axes, of the first call that has any."""

    attribute: str
    variable: keras.Variable
    axes: Axes
    makes: tuple[int, ...]


@dataclass(eq=False)
class Plan:
    """The plan for rebuilding a layer with fewer units.

    Args:
        path: structural path of the layer.
        layer: the layer.
        resize: `size -> changes of the layer's config`.
        slots: attribute -> weight.
        bias: changes of the config that add a bias, if a constant needs one.
        inputs: argument of `call` -> the tensor in the first call.
        units: name -> units of the layer.
    """

    path: str
    layer: keras.Layer
    resize: Callable[[Size], dict[str, Any]] | None = None
    slots: dict[str, LayerWeight] = field(default_factory=dict)
    bias: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, Value] = field(default_factory=dict)
    units: dict[str, Ids] = field(default_factory=dict)


@dataclass(eq=False)
class Kernel:
    """A weight that computes units from units.

    Args:
        plan: plan of its layer.
        slot: the weight in the plan, with the units along its axes.
        weight: its value.
        reads: axes with the units that it reads.
        makes: axes with the units that it computes.
        constant: constant inputs, broadcast against the weight; NaN where they vary.
        bias: attribute that absorbs the contribution of constant inputs, or None.
        bias_axes: the axes of `makes` in the order of the bias.
        bias_index: index of the bias in the attribute, e.g. the first row of a GRU's.
        uses: multiplications with each weight in one example's forward pass.
    """

    plan: Plan
    slot: LayerWeight
    weight: Array
    reads: tuple[int, ...]
    makes: tuple[int, ...]
    constant: Array
    bias: str | None
    bias_axes: tuple[int, ...]
    bias_index: Any = ...
    uses: int = 0


@dataclass(frozen=True, eq=False)
class Pin:
    """Units that must stay.

    Args:
        ids: the units.
        reason: why, for the report.
        read: True if their values are used, so that their dependencies stay too.
    """

    ids: Ids
    reason: str
    read: bool


@dataclass(frozen=True)
class Group:
    """Coupled units: removed together or not at all.

    Args:
        slices: (path of the layer, attribute, axis, indices) of every weight with these units.
        makes: the slices that compute the units; zeros there switch the group off.
        pinned: why the group can't be removed; empty if it can.
    """

    slices: tuple[tuple[str, str, int, tuple[int, ...]], ...]
    makes: tuple[tuple[str, str, int, tuple[int, ...]], ...]
    pinned: str = ""


@dataclass(eq=False)
class Graph:
    """The dependency graph of one model.

    Args:
        units: all units and their coupling.
        plans: id of the layer -> its plan, in the order of the forward pass.
        kernels: kernels in the same order.
        values: id of a symbolic tensor -> its value.
        pins: units that stay.
        inputs: (name, value) of the model's inputs.
        bounds: id of an input value -> number of rows of the smallest table that looks it up.
        unknown: reasons why operations without a rule keep their inputs.
        tables: id of a variable -> its first slot.
        tensors: symbolic tensors, kept alive so that their ids stay unique.
    """

    units: Units = field(default_factory=Units)
    plans: dict[int, Plan] = field(default_factory=dict)
    kernels: list[Kernel] = field(default_factory=list)
    values: dict[int, Value] = field(default_factory=dict)
    pins: list[Pin] = field(default_factory=list)
    inputs: list[tuple[str, Value]] = field(default_factory=list)
    bounds: dict[int, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    tables: dict[int, LayerWeight] = field(default_factory=dict)
    tensors: list[Any] = field(default_factory=list)

    def pin(self, axes: Axes, reason: str, read: bool = True) -> None:
        """Pins the units of some axes and, if `read`, everything that they depend on."""
        self.pins.extend(Pin(ids, reason, read) for ids in axes if ids is not None)

    def coupled(self) -> tuple[Ids, dict[int, str]]:
        """Returns the group of each unit, and why groups are pinned.

        Groups of coupled units are numbered in the order of the network; -1: no weight has the
        unit.
        """
        roots = self.units.roots()
        arrays = [
            roots[ids]
            for plan in self.plans.values()
            for slot in plan.slots.values()
            for ids in slot.axes
            if ids is not None
        ]
        number = np.full(len(roots), -1, np.int64)
        if arrays:
            unique, first = np.unique(np.concatenate(arrays), return_index=True)
            number[unique[np.argsort(first)]] = np.arange(len(unique))
        group = number[roots]
        pinned: dict[int, str] = {}
        for pin in self.pins:
            for one in np.unique(group[pin.ids]).tolist():
                if one >= 0:
                    pinned.setdefault(one, pin.reason)
        return group, pinned

    def groups(self) -> list[Group]:
        """Returns the groups of coupled units that have weights, in the order of the network."""
        group, pinned = self.coupled()
        slices: dict[int, list[tuple[str, str, int, tuple[int, ...]]]] = {}
        makes: dict[int, list[tuple[str, str, int, tuple[int, ...]]]] = {}
        for plan in self.plans.values():
            for slot in plan.slots.values():
                for axis, ids in enumerate(slot.axes):
                    if ids is None:
                        continue
                    for one, indices in _by_group(group[ids]):
                        part = (plan.path, slot.attribute, axis, indices)
                        slices.setdefault(one, []).append(part)
                        if axis in slot.makes:
                            makes.setdefault(one, []).append(part)
        return [
            Group(tuple(parts), tuple(makes.get(one, ())), pinned.get(one, ""))
            for one, parts in sorted(slices.items())
        ]


def _by_group(groups: Ids) -> list[tuple[int, tuple[int, ...]]]:
    order = np.argsort(groups, kind="stable")
    unique, starts = np.unique(groups[order], return_index=True)
    parts = np.split(order, starts[1:])
    return [(int(one), tuple(part.tolist())) for one, part in zip(unique, parts)]
