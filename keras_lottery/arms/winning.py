"""The winning ticket: iterative pruning, rewound."""

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class Winning:
    """Prunes the last round's trained weights and rewinds what survives.

    Where the training names a source, it takes that experiment's ticket instead.

    Reference: Frankle & Carbin 2019 (1803.03635), section 2.
    """

    name = "winning"
    iterative = True
    stochastic = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return () if training.source else (chain.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        if training.source:
            return chain.transferred(training, run)
        masks = chain.pruned_once_more(training, run)
        return chain.rewound(training, run, masks, chain.previous(training))


WINNING = Winning()
