"""The network before any pruning."""

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
