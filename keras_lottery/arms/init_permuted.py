"""Control: the ticket's mask, its surviving start values shuffled within each variable."""

from dataclasses import replace

from keras_lottery import pruning
from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class InitPermuted:
    """Keeps the mask and the distribution of the start values, but not which weight has which.

    It starts at the ticket's own step; the optimizer's slots start fresh, since those of the
    rewind point belong to other values.

    Reference: "reshuffle" of Zhou et al. 2019 (1905.01067), section 4.
    """

    name = "init_permuted"
    iterative = False
    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(chain.winning_of(training))
        weights = pruning.permute_kept_values(
            ticket.weights, ticket.masks, chain.generator(training)
        )
        return replace(ticket, weights=weights, state=None, seed=chain.own_seed(training))


INIT_PERMUTED = InitPermuted()
