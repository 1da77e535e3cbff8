"""Which units are needed: those that the outputs depend on through weights that are not zero."""

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
        needed: by unit: whether the outputs depend on it.
        flags: by unit: whether it stays, because it is needed or can't go.
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
    """Returns the units that stay when everything else is removed.

    Marks from the outputs backward: a unit is needed where a needed unit is computed from it
    through a weight that is not zero, unless its value is constant and a bias can take it. What
    is left is dead however long the chain, recurrent loops included. An axis keeps one unit.
    """
    roots = graph.units.roots()
    needed = np.zeros(len(roots), dtype=bool)
    frozen = needed.copy()
    for pin in graph.pins:
        (needed if pin.read else frozen)[roots[pin.ids]] = True
    edges = [_Edges(kernel, roots) for kernel in reversed(graph.kernels)]
    axes = _axes(graph, roots)
    while True:
        while sum(edge.mark(needed) for edge in edges):  # all of them, in each sweep
            pass
        empty = [ids for ids in axes if not (needed | frozen)[ids].any()]
        if not empty:
            break
        for ids in empty:
            if not needed[ids].any():
                needed[ids[0]] = True
    return Kept(needed[roots], (needed | frozen)[roots])


def unread_inputs(graph: Graph, kept: Kept) -> dict[str, int]:
    """Returns how many features of each input nothing reads; inputs that are all read are left out.

    They stay: to gather the others costs more than it saves.
    """
    unread = {}
    for name, value in graph.inputs:
        for ids in value.axes:
            if ids is not None and not kept.needed[ids].all():
                unread[name] = int((~kept.needed[ids]).sum())
    return unread


def contributions(kernel: Kernel, kept: Kept) -> NDArray[Any]:
    """Returns what removed constant units add to each computed unit; its axes are `makes`."""
    shape = kernel.weight.shape
    removed = np.zeros([1] * len(shape), dtype=bool)
    for axis, ids in kernel.reads.items():
        gone = ~kept.of(ids, shape[axis])
        removed = removed | gone.reshape([-1 if i == axis else 1 for i in range(len(shape))])
    constant = np.where(removed, np.nan_to_num(kernel.constant), 0.0)
    over = tuple(axis for axis in range(len(shape)) if axis not in kernel.makes)
    total = (kernel.weight * constant).sum(axis=over) if constant.any() else None
    if total is None:
        return np.zeros([shape[axis] for axis in sorted(kernel.makes)])
    return total


class _Edges:
    """Which units a kernel needs, given those that it has to compute."""

    def __init__(self, kernel: Kernel, roots: Ids) -> None:
        labeled = [*kernel.reads, *kernel.makes]
        shape = kernel.weight.shape
        over = tuple(axis for axis in range(len(shape)) if axis not in labeled)
        present = ((kernel.weight != 0) & np.isnan(kernel.constant)).any(axis=over)
        order = [sorted(labeled).index(axis) for axis in labeled]
        self.present = np.ascontiguousarray(present.transpose(order))
        both = [*kernel.reads.values(), *kernel.makes.values()]
        self.ids = [None if ids is None else roots[ids] for ids in both]
        self.reads = len(kernel.reads)

    def mark(self, needed: Flags) -> bool:
        """Marks what is needed; returns whether anything was new."""
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
    """Returns the units of every axis, each array once."""
    values = [ids for value in graph.values.values() for ids in value.axes]
    slots = [ids for p in graph.plans.values() for slot in p.slots.values() for ids in slot.axes]
    arrays = {id(ids): ids for ids in [*values, *slots] if ids is not None}
    unique = {}
    for ids in arrays.values():
        rooted = np.unique(roots[ids])
        unique[rooted.tobytes()] = rooted
    return list(unique.values())
