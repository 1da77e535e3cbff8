"""Pruning before training: straight to the round's sparsity at the rewind point, then one training.

With `rewind.to="0it"` that is at initialization; with a later one, early in training. Each arm has
the two sanity controls of the source: the mask shuffled within each variable under the same
weights, and the same mask over fresh weights. A mask that says which weights matter should lose
by either.

Reference: Frankle et al. 2021, "Pruning neural networks at initialization: why are we missing the
mark?" (2009.08576), for the controls.
"""

from dataclasses import dataclass

from keras_lottery import pruning
from keras_lottery.arms import chain
from keras_lottery.arms.reinit import Reinit
from keras_lottery.types import RunView, Start, Training

CRITERIA = ("magnitude", "random", "snip", "grasp", "synflow")


@dataclass(frozen=True)
class AtInit:
    """Prunes the dense network as it is at the rewind point, and trains what is left once.

    Args:
        name: of the arm.
        criterion: which weights go.
    """

    name: str
    criterion: str
    iterative: bool = False
    stochastic: bool = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.dense_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        return chain.pruned_early(training, run, self.criterion)


@dataclass(frozen=True)
class Shuffled:
    """Control: the mask of `of` shuffled within each variable; weights and all else as there."""

    name: str
    of: str
    iterative: bool = False
    stochastic: bool = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.same(training, self.of),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(chain.same(training, self.of)).masks
        shuffled = pruning.permute_layer(masks, chain.generator(training))
        return chain.from_state(training, run, shuffled, run.rewind_state(training.seed))


AT_INIT = tuple(
    arm
    for criterion in CRITERIA
    for arm in (
        AtInit(f"init_{criterion}", criterion),
        Shuffled(f"init_{criterion}_shuffled", f"init_{criterion}"),
        Reinit(f"init_{criterion}_reinit", f"init_{criterion}"),
    )
)
