"""The winning ticket without late rewinding: back to the start weights."""

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class WinningInit:
    """Prunes a chain of its own, which always starts again from the start weights at step 0.

    Reference: the ablation of Yu et al. 2019 (1906.02768), section 4.
    """

    name = "winning_init"
    iterative = True
    stochastic = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = chain.pruned_once_more(training, run)
        return Start(run.task.start_weights(training.seed), masks, seed=training.seed)


WINNING_INIT = WinningInit()
