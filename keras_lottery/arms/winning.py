"""The dense network, the winning ticket, and tickets that are rewound or retrained otherwise.

With `learning_rate_rewind` and `fine_tune` next to `winning`, one experiment compares the three of
Renda et al. 2020 (2003.02389). Under a constant learning rate the two do the same but for their
optimizer steps, since they keep the trained weights and differ in the learning rate alone.
"""

from dataclasses import dataclass

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class Dense:
    """Trains the whole network from the task's start weights; the rewind point is taken here."""

    name = "dense"
    iterative = True
    stochastic = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return ()

    def start(self, training: Training, run: RunView) -> Start:
        return Start(run.task.start_weights(training.seed), seed=training.seed)


DENSE = Dense()


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


class OneShot:
    """Prunes the trained dense network once to as many weights as the round keeps, then rewinds.

    Reference: Frankle & Carbin 2019 (1803.03635), section 2, "one-shot pruning".
    """

    name = "one_shot"
    iterative = False
    stochastic = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.dense_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        dense = chain.dense_of(training)
        masks = run.prune(training, run.trained(dense), {})
        return chain.rewound(training, run, masks, dense)


ONE_SHOT = OneShot()


@dataclass(frozen=True)
class Retrained:
    """Prunes a chain of its own, and trains on in a mode of its own from `rewind.to`.

    Args:
        name: of the arm.
        mode: as `rewind.mode`: `learning_rate` replays the learning rates from `rewind.to` on;
            `fine_tune` goes on with the last one, for as many steps.
    """

    name: str
    mode: str
    iterative: bool = True
    stochastic: bool = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = chain.pruned_once_more(training, run)
        return chain.rewound(training, run, masks, chain.previous(training), mode=self.mode)


LEARNING_RATE_REWIND = Retrained("learning_rate_rewind", "learning_rate")
FINE_TUNE = Retrained("fine_tune", "fine_tune")
