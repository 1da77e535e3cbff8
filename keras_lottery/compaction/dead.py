"""Finding dead units: units that the outputs don't depend on through nonzero weights."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.compaction.graph import Graph, Kernel
from keras_lottery.compaction.units import Ids

__all__ = ["Kept", "contributions", "kept_units", "unread_inputs"]

Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Kept:
    """The units that stay.

    Args:
        needed: by unit, True if the outputs depend on it.
        flags: by unit, True if it stays, because it is needed or pinned.
    """

    needed: Flags
    flags: Flags

    def of(self, ids: Ids | None, size: int) -> Flags:
        """Returns which indices of an axis stay."""
        return np.ones(size, dtype=bool) if ids is None else self.flags[ids]

    def size(self, ids: Ids | None, size: int) -> int:
        """Returns how many indices of an axis stay."""
        return size if ids is None else int(self.flags[ids].sum())


def kept_units(graph: Graph) -> Kept:
    """Returns the units that stay.

    Marks units backward from the outputs: a unit is needed if a needed unit is computed from it
    through a nonzero weight, unless its value is constant and a bias can absorb it. The others are
    dead, through chains of any length and recurrent loops. Every axis keeps at least one unit.
    """
    roots = graph.units.roots()
    needed = np.zeros(len(roots), dtype=bool)
    frozen = needed.copy()
    for pin in graph.pins:
        (needed if pin.read else frozen)[roots[pin.ids]] = True
    edges = [_Edges(kernel, roots) for kernel in reversed(graph.kernels)]
    axes = _axes(graph, roots)
    while True:
        while sum(edge.mark(needed) for edge in edges):  # `any` would stop at the first change
            pass
        empty = [ids for ids in axes if not (needed | frozen)[ids].any()]
        if not empty:
            break
        for ids in empty:
            if not needed[ids].any():
                needed[ids[0]] = True
    return Kept(needed[roots], (needed | frozen)[roots])


def unread_inputs(graph: Graph, kept: Kept) -> dict[str, int]:
    """Returns the number of unused features of each input, if any.

    They stay: gathering the other features would cost more than it saves.
    """
    unread = {}
    for name, value in graph.inputs:
        for ids in value.axes:
            if ids is not None and not kept.needed[ids].all():
                unread[name] = int((~kept.needed[ids]).sum())
    return unread


def contributions(kernel: Kernel, kept: Kept) -> NDArray[Any]:
    """Returns the contribution of removed constant units to each computed unit, axes `makes`."""
    shape = kernel.weight.shape
    removed = np.zeros([1] * len(shape), dtype=bool)
    for axis in kernel.reads:
        along = ~kept.of(kernel.slot.axes[axis], shape[axis])
        removed = removed | along.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    constant = np.where(removed, np.nan_to_num(kernel.constant), 0.0)
    over = tuple(axis for axis in range(len(shape)) if axis not in kernel.makes)
    total = (kernel.weight * constant).sum(axis=over) if constant.any() else None
    if total is None:
        return np.zeros([shape[axis] for axis in sorted(kernel.makes)])
    return total


class _Edges:
    """The edges of a kernel, from computed units to the units that they need."""

    def __init__(self, kernel: Kernel, roots: Ids) -> None:
        labeled = [*kernel.reads, *kernel.makes]
        shape = kernel.weight.shape
        over = tuple(axis for axis in range(len(shape)) if axis not in labeled)
        present = ((kernel.weight != 0) & np.isnan(kernel.constant)).any(axis=over)
        order = [sorted(labeled).index(axis) for axis in labeled]
        self.present = np.ascontiguousarray(present.transpose(order))
        axes = [kernel.slot.axes[axis] for axis in labeled]
        self.ids = [None if ids is None else roots[ids] for ids in axes]
        self.reads = len(kernel.reads)

    def mark(self, needed: Flags) -> bool:
        """Marks the units that needed units read; returns True if any was new."""
        if all(ids is None or needed[ids].all() for ids in self.ids[: self.reads]):
            return False
        live = self.present
        for axis in range(self.reads, live.ndim):
            ids = self.ids[axis]
            if ids is not None:
                live = live[(slice(None),) * axis + (needed[ids],)]
        changed = False
        for axis in range(self.reads):
            ids = self.ids[axis]
            if ids is None:
                continue
            used = ids[live.any(axis=tuple(i for i in range(live.ndim) if i != axis))]
            changed = changed or not needed[used].all()
            needed[used] = True
        return changed


def _axes(graph: Graph, roots: Ids) -> list[Ids]:
    """Returns the distinct arrays of units of all axes."""
    values = [ids for value in graph.values.values() for ids in value.axes]
    slots = [ids for p in graph.plans.values() for slot in p.slots.values() for ids in slot.axes]
    arrays = {id(ids): ids for ids in [*values, *slots] if ids is not None}
    unique = {}
    for ids in arrays.values():
        rooted = np.unique(roots[ids])
        unique[rooted.tobytes()] = rooted
    return list(unique.values())
