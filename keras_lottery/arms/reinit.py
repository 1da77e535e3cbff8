"""Control: the ticket's mask over freshly drawn weights."""

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class Reinit:
    """Keeps the winning mask and draws the weights anew.

    Reference: "random reinitialization" of Frankle & Carbin 2019 (1803.03635), section 2.
    """

    name = "reinit"
    own_chain = False
    fresh = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.ticket(chain.winning_of(training)).masks
        return chain.fresh_start(training, run, masks)


REINIT = Reinit()
