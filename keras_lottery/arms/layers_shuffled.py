"""Control: the ticket's mask, the start matrices of alike layers swapped between the layers."""

from dataclasses import replace

from keras_lottery import pruning
from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class LayersShuffled:
    """Keeps the mask and every start matrix whole, but not the layer that it belongs to.

    The optimizer's slots start fresh, since those of the rewind point belong to other values.

    Reference: the shuffled pre-trained weights of Chen et al. 2020 (2007.12223), section 4.1.
    """

    name = "layers_shuffled"
    iterative = False
    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(chain.winning_of(training))
        weights = pruning.permute_alike(ticket.weights, ticket.masks, chain.generator(training))
        return replace(ticket, weights=weights, state=None, seed=chain.own_seed(training))


LAYERS_SHUFFLED = LayersShuffled()
