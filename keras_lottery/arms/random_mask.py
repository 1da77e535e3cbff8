"""Control: a mask drawn at random, over the weights that the ticket starts from."""

from dataclasses import replace

from keras_lottery import pruning
from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class RandomMask:
    """Keeps the ticket's start weights and its number of weights, in places drawn anew.

    With pre-trained weights this says what the choice of the mask is worth.

    Reference: the random mask of Chen et al. 2020 (2007.12223), section 4.1.
    """

    name = "random_mask"
    iterative = False
    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(chain.winning_of(training))
        rng = chain.generator(training)
        masks = pruning.permute_global(ticket.masks, rng, chain.layout(run))
        return replace(ticket, masks=masks, state=None, seed=chain.own_seed(training))


RANDOM_MASK = RandomMask()
