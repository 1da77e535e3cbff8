"""Controls with the ticket's mask over other weights: re-initialized, permuted, swapped."""

from dataclasses import dataclass, replace

from keras_lottery import pruning
from keras_lottery.arms import starts
from keras_lottery.protocols import Arm, RunView
from keras_lottery.types import Start, Training


@dataclass(frozen=True)
class Reinit(Arm):
    """Keeps the mask of another arm and re-initializes the weights, trained from step 0.

    The weights are drawn again from their initializers; `random_reinit` of Zhou et al. permutes
    the initial ones instead.

    Args:
        name: name of the arm.
        of: the arm whose mask is kept.

    Reference: "random reinitialization" of Frankle & Carbin 2019 (1803.03635), section 2.
    """

    name: str = "reinit"
    of: str = "winning"
    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.sibling(training, self.of),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.sibling(training, self.of)).masks
        return starts.fresh_start(training, run, masks)


class InitPermuted(starts.TicketControl):
    """Keeps the mask, and shuffles the start values of the kept weights.

    It starts at the ticket's step; the optimizer slots are reset, since those of the rewind point
    belong to other values.

    Reference: "reshuffle" of Zhou et al. 2019 (1905.01067), mask-1 actions.
    """

    name = "init_permuted"

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(starts.winning_of(training))
        weights = pruning.permute_kept_values(
            ticket.weights, ticket.masks, starts.generator(training)
        )
        return replace(ticket, weights=weights, state=None, seed=starts.seed_of(training))


class LayersShuffled(starts.TicketControl):
    """Keeps the mask, and swaps whole weight matrices between layers.

    The optimizer slots are reset, since those of the rewind point belong to other values.

    Reference: the shuffled pre-trained weights of Chen et al. 2020 (2007.12223), section 4.1.
    """

    name = "layers_shuffled"
    alike_layers = True

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(starts.winning_of(training))
        weights = pruning.permute_alike(ticket.weights, ticket.masks, starts.generator(training))
        return replace(ticket, weights=weights, state=None, seed=starts.seed_of(training))


ARMS: tuple[Arm, ...] = (Reinit(), InitPermuted(), LayersShuffled())
