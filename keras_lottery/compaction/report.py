"""The report of a compaction: sizes per layer and in total."""

from dataclasses import dataclass, field

import keras
import numpy as np

from keras_lottery.compaction.dead import Kept, unread_inputs
from keras_lottery.compaction.graph import Graph
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals

__all__ = ["CompactionReport", "LayerSize", "attach", "compaction_report", "sizes"]

_ATTRIBUTE = internals.hidden_name("compaction_report")


@dataclass(frozen=True)
class LayerSize:
    """Sizes of a layer before and after compaction.

    Args:
        path: structural path.
        layer: class name.
        before: shape of each weight by attribute.
        after: the same in the smaller model.
        parameters: numbers of parameters before and after.
        flops: floating-point operations of one example's forward pass before and after: twice
            the multiply-adds.
    """

    path: str
    layer: str
    before: dict[str, tuple[int, ...]]
    after: dict[str, tuple[int, ...]]
    parameters: tuple[int, int]
    flops: tuple[int, int]


@dataclass(frozen=True)
class CompactionReport:
    """What `compact` removed, and what it had to keep.

    Args:
        layers: every layer with a rule and weights.
        parameters: numbers of parameters of the model before and after.
        bytes: sizes of the parameters before and after.
        flops: floating-point operations of one example's forward pass before and after. Input
            axes of unknown size count as 32 (images) or 8 (sequences), or more if needed.
        pinned: operations without a rule, whose inputs keep all channels, with the reason.
        unread_inputs: name of an input -> number of its unused features, which stay.
        difference: largest difference of the outputs, relative to the largest output.
    """

    layers: list[LayerSize]
    parameters: tuple[int, int]
    bytes: tuple[int, int]
    flops: tuple[int, int]
    pinned: list[str] = field(default_factory=list)
    unread_inputs: dict[str, int] = field(default_factory=dict)
    difference: float = 0.0

    def __str__(self) -> str:
        rows = [
            (layer.path, layer.layer, _arrow(layer.parameters), _arrow(layer.flops))
            for layer in self.layers
            if layer.before != layer.after
        ]
        rows.append(("all", "", _arrow(self.parameters), _arrow(self.flops)))
        rows.insert(0, ("layer", "class", "parameters", "FLOPs"))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths)).rstrip() for row in rows]
        lines += [f"not compacted: {reason}" for reason in self.pinned]
        lines += [
            f"input {name}: {count} unused feature{'s' * (count > 1)}"
            for name, count in self.unread_inputs.items()
        ]
        return "\n".join(lines)


def compaction_report(small: keras.Model) -> CompactionReport:
    """Returns what `compact` removed from a model.

    Args:
        small: a model that `compact` returned, in the same process.

    Raises:
        LotteryError: `compact` didn't return this model.

    Example:
        >>> print(kl.compaction_report(kl.compact(model)))
    """
    report = getattr(small, _ATTRIBUTE, None)
    if not isinstance(report, CompactionReport):
        name = getattr(small, "name", type(small).__name__)
        raise LotteryError(
            f"Expected a model that compact returned. Received: {name!r}, which has no report. "
            "Files don't keep the report: call it on the result of compact."
        )
    return report


def attach(small: keras.Model, report: CompactionReport) -> None:
    """Stores the report on the model."""
    object.__setattr__(small, _ATTRIBUTE, report)


def sizes(
    graph: Graph, kept: Kept, model: keras.Model, small: keras.Model, difference: float
) -> CompactionReport:
    """Returns the report of a compaction."""
    flops: dict[int, tuple[int, int]] = {}
    layers = []
    for kernel in graph.kernels:
        slot = kernel.slot
        shape = kernel.weight.shape
        after = [kept.size(ids, size) for ids, size in zip(slot.axes, shape)]
        old_flops, new_flops = flops.get(id(kernel.plan), (0, 0))
        uses = 2 * kernel.uses
        flops[id(kernel.plan)] = (
            old_flops + uses * int(np.prod(shape)),
            new_flops + uses * int(np.prod(after)),
        )
    for plan in graph.plans.values():
        if not plan.slots:
            continue
        old = {name: tuple(map(int, slot.variable.shape)) for name, slot in plan.slots.items()}
        new = {
            name: tuple(kept.size(ids, size) for ids, size in zip(slot.axes, old[name]))
            for name, slot in plan.slots.items()
        }
        layers.append(
            LayerSize(
                plan.path,
                type(plan.layer).__name__,
                old,
                new,
                (_count(old), _count(new)),
                flops.get(id(plan), (0, 0)),
            )
        )
    return CompactionReport(
        layers,
        (model.count_params(), small.count_params()),
        (_bytes(model), _bytes(small)),
        (sum(f[0] for f in flops.values()), sum(f[1] for f in flops.values())),
        list(dict.fromkeys(graph.unknown)),
        unread_inputs(graph, kept),
        difference,
    )


def _count(shapes: dict[str, tuple[int, ...]]) -> int:
    return sum(int(np.prod(shape)) for shape in shapes.values())


def _bytes(model: keras.Model) -> int:
    return sum(keras.ops.convert_to_numpy(v.value).nbytes for v in model.weights)


def _arrow(pair: tuple[int, int]) -> str:
    return f"{pair[0]:,} → {pair[1]:,}"
