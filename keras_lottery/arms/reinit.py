"""Control: the ticket's mask over freshly drawn weights."""

from dataclasses import dataclass

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


@dataclass(frozen=True)
class Reinit:
    """Keeps the mask of another arm and draws the weights anew, trained from step 0.

    Args:
        name: of the arm.
        of: the arm whose mask is kept.

    Reference: "random reinitialization" of Frankle & Carbin 2019 (1803.03635), section 2.
    """

    name: str = "reinit"
    of: str = "winning"
    iterative: bool = False
    stochastic: bool = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.same(training, self.of),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(chain.same(training, self.of)).masks
        return chain.fresh_start(training, run, masks)


REINIT = Reinit()
