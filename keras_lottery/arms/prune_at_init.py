"""Pruning before training: straight to the round's sparsity at the rewind point, trained once.

With `rewind.to="0it"` this prunes at initialization; with a later point, early in training. Each
arm has the paper's two sanity controls: the mask shuffled within each variable over the same
weights, and the same mask over re-initialized weights. If a mask identifies weights that matter,
both controls are worse. A third one, which is ours, shuffles the weights of each input: it tells a
mask that finds inputs, such as the pixels that aren't always black, from one that finds weights.

Reference: Frankle et al. 2021, "Pruning neural networks at initialization: why are we missing the
mark?" (2009.08576), for the controls.
"""

from dataclasses import dataclass

import numpy as np

from keras_lottery import pruning
from keras_lottery.arms import starts
from keras_lottery.arms.reinit import Reinit
from keras_lottery.protocols import Arm, RunView
from keras_lottery.types import MaskSet, Start, Training

CRITERIA = ("magnitude", "random", "snip", "grasp", "synflow")


@dataclass(frozen=True)
class AtInit(Arm):
    """Prunes the dense network at the rewind point, and trains the rest once.

    Args:
        name: name of the arm.
        criterion: name of the pruning criterion.
    """

    name: str
    criterion: str

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.dense_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        return starts.pruned_early(training, run, self.criterion)


@dataclass(frozen=True)
class Shuffled(Arm):
    """Control: the mask of the arm `of` shuffled within each variable, otherwise unchanged."""

    name: str
    of: str
    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.sibling(training, self.of),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.sibling(training, self.of)).masks
        shuffled = self._shuffle(masks, starts.generator(training), run)
        return starts.from_state(training, run, shuffled, run.rewind_state(training.seed))

    def _shuffle(self, masks: MaskSet, rng: np.random.Generator, run: RunView) -> MaskSet:
        return pruning.permute_layer(masks, rng, starts.layout(run))


@dataclass(frozen=True)
class ShuffledPerInput(Shuffled):
    """Control: the mask of the arm `of` shuffled among the weights of each input.

    Every pixel or unit that a dense layer reads, and every channel that a convolution reads, has
    as many weights as in the mask of `of`; everything else is unchanged.
    """

    unstructured = True

    def _shuffle(self, masks: MaskSet, rng: np.random.Generator, run: RunView) -> MaskSet:
        return pruning.permute_slices(masks, rng, pruning.input_axes(run.task.variables()))


ARMS: tuple[Arm, ...] = tuple(
    arm
    for criterion in CRITERIA
    for arm in (
        AtInit(f"init_{criterion}", criterion),
        Shuffled(f"init_{criterion}_shuffled", f"init_{criterion}"),
        ShuffledPerInput(f"init_{criterion}_shuffled_per_input", f"init_{criterion}"),
        Reinit(f"init_{criterion}_reinit", f"init_{criterion}"),
    )
)
