"""The data types shared by all packages: masks, weights, a training, its start and its result."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MaskSet = dict[str, NDArray[np.bool_]]
"""Structural path -> boolean array of the variable's shape; True = kept."""

Weights = dict[str, NDArray[Any]]
"""Structural path -> value of that variable."""

State = dict[str, NDArray[Any]]
"""Everything needed to resume a training bit for bit.

Keys: `weights/<path>` (every variable of the model, batch-norm statistics too),
`seeds/<path>` (seed generators), `carried/<path>` (state carried from batch to batch),
`optimizer/<i>` (its variables in order), and `step` and `epoch`, arrays of shape `(1,)`.
"""


FINISHED, DIVERGED, SKIPPED = STATUSES = ("finished", "diverged", "skipped")
"""Status of an ended training; descendants of a diverged training are skipped."""


@dataclass(frozen=True)
class VariableInfo:
    """One variable, as pruning sees it.

    Args:
        path: structural path, e.g. `layers/dense/kernel`.
        shape: shape of the variable.
        kind: `kernel`, `recurrent`, `embedding`, `bias`, `norm`, `other`, or `state` (not trained).
        layer: class name of the owning layer, e.g. `Conv2D`.
        group: `conv`, `dense`, `recurrent`, `embedding` or `other`; the keys of `prune.rates`.
        output: True for the variables of the output layer.
        prunable: False if the options or patterns exclude it.
        reason: why it is not prunable; empty if it is.
        maskable: False if it can't have a mask, under any options.
        names: further paths that patterns match, built from user-given layer names.
        input_axis: innermost input axis of a kernel; None for other variables.
        chain: position of a kernel in a network that is a chain of dense layers; None: the network
            is none, or the variable no kernel.
        channels: pattern `channels` only: for each axis the channel number at every index, equal
            for coupled channels and -1 for one that is never removed; None: no channels.
        makes: axes of output channels; the others are input channels.
    """

    path: str
    shape: tuple[int, ...]
    kind: str = "kernel"
    layer: str = "Dense"
    group: str = "dense"
    output: bool = False
    prunable: bool = True
    reason: str = ""
    maskable: bool = True
    names: tuple[str, ...] = ()
    input_axis: int | None = None
    chain: int | None = field(default=None, compare=False)
    channels: tuple[NDArray[np.int64] | None, ...] = field(default=(), compare=False, repr=False)
    makes: tuple[int, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """All paths that patterns match, the structural one first."""
        return (self.path, *self.names)

    @property
    def size(self) -> int:
        """Number of weights."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, order=True)
class Training:
    """One network to train, named by the key of its row in results.csv."""

    source: str
    task: str
    seed: int
    round: int
    arm: str
    draw: int = 0


@dataclass(frozen=True)
class Start:
    """A ticket, and the point at which its training starts.

    Args:
        weights: value of every variable of the model.
        masks: masks of the prunable variables; empty for the dense network.
        fills: fixed values of pruned weights that are not zero, by path.
        step: optimizer step at which the training starts; it ends at the task's full length.
        learning_rate_step: step at which the learning-rate schedule starts (`step`, or 0 if the
            schedule is restarted).
        state: state whose optimizer and seed entries are restored; None initializes them.
        seed: seed of dropout and other random layers if `state` is None.
        data_order_step: step at which the data order starts.
        data_seed: seed of the data order; None: the training's seed.
        parametrization: how the effective weight is computed from the stored one.
        metrics: metrics measured while the ticket was made, by name; written next to those of
            the training.
        tables: likewise, rows of `<arm>.<name>.csv`.
    """

    weights: Weights
    masks: MaskSet = field(default_factory=dict)
    fills: Weights = field(default_factory=dict)
    step: int = 0
    learning_rate_step: int = 0
    data_order_step: int = 0
    state: State | None = None
    seed: int = 0
    data_seed: int | None = None
    parametrization: str = "zero"
    metrics: dict[str, float] = field(default_factory=dict)
    tables: dict[str, list[dict[str, float]]] = field(default_factory=dict)


@dataclass
class TrainingResult:
    """The result of a training.

    Args:
        weights: trained value of every variable, pruned weights at their fixed values.
        rewind: full state at the rewind point; set only for the dense network.
        steps: optimizer steps done.
        seconds: wall time of the training, without compilation.
        compile_seconds: wall time of compilation.
        final: metrics on the test set at the end, by name.
        best: the same at the minimum of the validation loss (at the end without validation data).
        best_step: step of that minimum.
        metric: the name of the headline metric in `final` and `best`.
        initial: metrics on the test set before the first step, if the config asks for them.
        masks: learned masks; empty: those of the start.
        metrics: further metrics by name, for metrics.csv.
        history: rows of `<arm>.history.csv`, one per evaluation.
        samples: rows of `<arm>.samples.csv`: a few test examples as text, and the trained
            network's output under `answer`.
        status: `finished`, or `diverged` if a weight, the loss or the metric is not finite.
    """

    weights: Weights
    rewind: State | None
    steps: int
    seconds: float
    compile_seconds: float
    final: dict[str, float]
    best: dict[str, float]
    best_step: int
    metric: str = "loss"
    initial: dict[str, float] = field(default_factory=dict)
    masks: MaskSet = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    samples: list[dict[str, str]] = field(default_factory=list)
    status: str = FINISHED

    @property
    def final_value(self) -> float:
        """The headline metric at the end; NaN if nothing was measured."""
        return self.final.get(self.metric, math.nan)

    @property
    def best_value(self) -> float:
        """The headline metric at the minimum of the validation loss; NaN if not measured."""
        return self.best.get(self.metric, math.nan)
