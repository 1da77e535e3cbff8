"""Units: the channels, neurons and heads of a model, and their coupling."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["Ids", "Units", "repeat_units"]

Ids = NDArray[np.int64]
"""The unit at each index of an axis; a unit can occur at several indices."""


class Units:
    """A union-find over units: coupled units are removed together or not at all."""

    def __init__(self) -> None:
        self._parent: list[int] = []

    def __len__(self) -> int:
        return len(self._parent)

    def new(self, count: int) -> Ids:
        """Returns `count` new, uncoupled units."""
        start = len(self._parent)
        self._parent.extend(range(start, start + count))
        return np.arange(start, start + count, dtype=np.int64)

    def couple(self, first: Ids, second: Ids) -> None:
        """Couples the units of two arrays index by index.

        Args:
            first: units.
            second: units; broadcast against `first`.
        """
        pairs = np.stack([a.ravel() for a in np.broadcast_arrays(first, second)], axis=1)
        for a, b in np.unique(pairs, axis=0).tolist():
            root_a, root_b = self._find(a), self._find(b)
            if root_a != root_b:
                self._parent[max(root_a, root_b)] = min(root_a, root_b)

    def _find(self, unit: int) -> int:
        parent = self._parent
        while parent[unit] != unit:
            parent[unit] = parent[parent[unit]]
            unit = parent[unit]
        return unit

    def roots(self) -> Ids:
        """Returns one representative per unit, equal for coupled units; shape `(units,)`."""
        roots = np.asarray(self._parent, dtype=np.int64)
        while True:
            above = roots[roots] if len(roots) else roots
            if np.array_equal(above, roots):
                return roots
            roots = above


def repeat_units(ids: Ids | None, times: int) -> Ids | None:
    """Returns the units of `times` blocks of one axis, e.g. the gates of an LSTM."""
    return None if ids is None else np.tile(ids, times)
