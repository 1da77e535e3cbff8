"""The dense network, the winning ticket, and its variants in rewinding and retraining.

With `winning`, `learning_rate_rewind` and `fine_tune`, one experiment compares the three methods of
Renda et al. 2020 (2003.02389). The last two keep the trained weights and differ only in the
learning rate: with a constant one, they are equal except for their optimizer steps.
"""

from dataclasses import dataclass

from keras_lottery.arms import starts
from keras_lottery.protocols import RunView
from keras_lottery.types import Start, Training


class Dense:
    """Trains the dense network from the task's start weights, and captures the rewind point."""

    name = "dense"
    iterative = True
    stochastic = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return ()

    def start(self, training: Training, run: RunView) -> Start:
        return Start(run.task.start_weights(training.seed), seed=training.seed)


DENSE = Dense()


class Winning:
    """Prunes the last round's trained weights and rewinds the surviving ones.

    If the training names a source, it transfers that experiment's ticket instead.

    Reference: Frankle & Carbin 2019 (1803.03635), section 2.
    """

    name = "winning"
    iterative = True
    stochastic = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return () if training.source else (starts.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        if training.source:
            return starts.transferred(training, run)
        masks = starts.pruned_once_more(training, run)
        return starts.rewound(training, run, masks, starts.previous(training))


WINNING = Winning()


class WinningInit:
    """Prunes its own networks iteratively, always rewound to the start weights at step 0.

    Reference: the ablation of Yu et al. 2019 (1906.02768), section 4.
    """

    name = "winning_init"
    iterative = True
    stochastic = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = starts.pruned_once_more(training, run)
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
        return (starts.dense_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        dense = starts.dense_of(training)
        masks = run.prune(training, run.trained(dense), {})
        return starts.rewound(training, run, masks, dense)


ONE_SHOT = OneShot()


@dataclass(frozen=True)
class Retrained:
    """Prunes its own networks iteratively, and retrains them in its own mode from `rewind.to`.

    Args:
        name: name of the arm.
        mode: as in `rewind.mode`: `learning_rate` replays the learning rates from `rewind.to` on;
            `fine_tune` continues with the last one, for as many steps.
    """

    name: str
    mode: str
    iterative: bool = True
    stochastic: bool = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = starts.pruned_once_more(training, run)
        return starts.rewound(training, run, masks, starts.previous(training), mode=self.mode)


LEARNING_RATE_REWIND = Retrained("learning_rate_rewind", "learning_rate")
FINE_TUNE = Retrained("fine_tune", "fine_tune")
