"""Control: the ticket's mask shuffled within each variable, over freshly drawn weights."""

from keras_lottery import pruning
from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


class PermutedLayer:
    """Keeps only the density of each variable.

    Reference: the locally permuted mask of Morcos et al. 2019 (1906.02773), appendix A.2.
    """

    name = "permuted_layer"
    iterative = False
    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.winning_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(chain.winning_of(training)).masks
        shuffled = pruning.permute_layer(masks, chain.generator(training), chain.layout(run))
        return chain.fresh_start(training, run, shuffled)


PERMUTED_LAYER = PermutedLayer()
