"""One-shot pruning: to the round's sparsity straight from the dense network."""

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


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
