"""Learned supermasks: a mask is trained over weights that are not."""

from keras_lottery import pruning
from keras_lottery.arms import chain, untrained
from keras_lottery.types import RunView, Start, Training


class Supermask:
    """Trains the probabilities of a Bernoulli mask over the start weights, which stay as they are.

    How many weights it keeps settles by itself, so it is trained once whatever the rounds are. The
    value is the mean over `supermask.samples` samples; the row's `kept` counts the weights whose
    probability is at least a half, which is the network that ticket and export hold (metrics.csv:
    `threshold_accuracy`, and `mean_kept`, the fraction that a sample keeps on average).

    Args:
        name: name of the arm.
        signed: start from signed constants, sign(w) std(w) in each variable.
        rescaled: dynamic weight rescaling: weights times size / ones of the sample.

    Reference: Zhou et al. 2019 (1905.01067), section 5.
    """

    iterative = False
    stochastic = False
    once = True

    def __init__(self, name: str, signed: bool = False, rescaled: bool = False) -> None:
        self.name = name
        self._signed = signed
        self._parametrization = "bernoulli_rescaled" if rescaled else "bernoulli"

    def parents(self, training: Training) -> tuple[Training, ...]:
        return ()

    def start(self, training: Training, run: RunView) -> Start:
        weights = run.task.start_weights(training.seed)
        masks = pruning.full_masks(run.task.variables())
        if self._signed:
            weights = untrained.signed_constant(weights, masks)
        return Start(
            weights, masks, seed=chain.own_seed(training), parametrization=self._parametrization
        )


SUPERMASK = Supermask("supermask")
SUPERMASK_SIGNED = Supermask("supermask_signed", signed=True)
SUPERMASK_RESCALED = Supermask("supermask_rescaled", rescaled=True)
SUPERMASK_RESCALED_SIGNED = Supermask("supermask_rescaled_signed", signed=True, rescaled=True)
