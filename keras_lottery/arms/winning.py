"""The dense network, the winning ticket, and its variants in rewinding and retraining.

With `winning`, `learning_rate_rewind` and `fine_tune`, one experiment compares the three methods of
Renda et al. 2020 (2003.02389). The last two keep the trained weights and differ only in the
learning rate: with a constant one, they are equal except for their optimizer steps.
"""

from dataclasses import dataclass

from keras_lottery.arms import starts
from keras_lottery.protocols import Arm, RunView
from keras_lottery.types import Start, Training


class Dense(Arm):
    """Trains the dense network from the task's start weights, and captures the rewind point."""

    name = "dense"
    iterative = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return ()

    def start(self, training: Training, run: RunView) -> Start:
        return Start(run.task.start_weights(training.seed), seed=training.seed)


@dataclass(frozen=True)
class Iterative(Arm):
    """Prunes the weights that it trained in the last round, and retrains the surviving ones.

    Args:
        name: name of the arm.
        criterion: name of the pruning criterion; empty: the config's.
        mode: of retraining, as in `rewind.mode`; empty: the config's.

    Reference: Frankle & Carbin 2019 (1803.03635), section 2.
    """

    name: str
    criterion: str = ""
    mode: str = ""
    iterative = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = starts.pruned_once_more(training, run, self.criterion)
        return starts.starting_point(training, run, masks, starts.previous(training), self.mode)


class Winning(Iterative):
    """The winning ticket; if the training names a source, that experiment's ticket.

    Reference: Frankle & Carbin 2019 (1803.03635), section 2; Morcos et al. 2019 (1906.02773).
    """

    def parents(self, training: Training) -> tuple[Training, ...]:
        return () if training.source else super().parents(training)

    def start(self, training: Training, run: RunView) -> Start:
        if training.source:
            return starts.transferred(training, run)
        return super().start(training, run)


class WinningInit(Arm):
    """Prunes its own networks iteratively, always rewound to the start weights at step 0.

    Reference: the ablation of Yu et al. 2019 (1906.02768), section 4.
    """

    name = "winning_init"
    iterative = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = starts.pruned_once_more(training, run)
        return Start(run.task.start_weights(training.seed), masks, seed=training.seed)


class OneShot(Arm):
    """Prunes the trained dense network once to as many weights as the round keeps, then rewinds.

    Reference: Frankle & Carbin 2019 (1803.03635), section 2, "one-shot pruning".
    """

    name = "one_shot"

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.dense_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        dense = starts.dense_of(training)
        masks = run.prune_to_round(training, run.trained(dense))
        return starts.starting_point(training, run, masks, dense)


ARMS: tuple[Arm, ...] = (
    Dense(),
    Winning("winning"),
    WinningInit(),
    OneShot(),
    Iterative("learning_rate_rewind", mode="learning_rate"),
    Iterative("fine_tune", mode="fine_tune"),
)
