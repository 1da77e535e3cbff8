"""Control: the ticket's mask shuffled over all variables, over freshly drawn weights."""

from keras_lottery import pruning
from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class PermutedGlobal:
    """Keeps only the density of the whole network: the easiest control to beat.

    Reference: the random ticket of Morcos et al. 2019 (1906.02773), section 3.
    """

    name = "permuted_global"
    iterative = False
    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(chain.winning_of(training)).masks
        shuffled = pruning.permute_global(masks, chain.generator(training), chain.layout(run))
        return chain.fresh_start(training, run, shuffled)


PERMUTED_GLOBAL = PermutedGlobal()
