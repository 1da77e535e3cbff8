"""Controls with a random mask of the ticket's density."""

from dataclasses import replace

from keras_lottery import pruning
from keras_lottery.arms import starts
from keras_lottery.protocols import RunView
from keras_lottery.types import Start, Training


class PermutedLayer(starts.TicketControl):
    """Shuffles the ticket's mask within each variable, over re-initialized weights.

    Reference: the locally permuted mask of Morcos et al. 2019 (1906.02773), appendix A.2.
    """

    name = "permuted_layer"

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.winning_of(training)).masks
        shuffled = pruning.permute_layer(masks, starts.generator(training), starts.layout(run))
        return starts.fresh_start(training, run, shuffled)


class PermutedGlobal(starts.TicketControl):
    """Shuffles the ticket's mask over all variables: the easiest control to beat.

    Reference: the random ticket of Morcos et al. 2019 (1906.02773), section 3.
    """

    name = "permuted_global"

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.winning_of(training)).masks
        shuffled = pruning.permute_global(masks, starts.generator(training), starts.layout(run))
        return starts.fresh_start(training, run, shuffled)


class PermutedWord(starts.TicketControl):
    """Shuffles the ticket's mask within each word, over re-initialized weights.

    The weights of a word are its row of the embedding and its column of the output layer, so every
    word keeps as many as in the ticket: a mask that only follows the frequencies of words is no
    better. Other variables are shuffled as a whole. In a network without words, the output layer's
    mask is shuffled within each class.
    """

    name = "permuted_word"
    unstructured = True

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.winning_of(training)).masks
        axes = pruning.word_axes(run.task.variables())
        shuffled = pruning.permute_slices(masks, starts.generator(training), axes)
        return starts.fresh_start(training, run, shuffled)


class PermutedInput(starts.TicketControl):
    """Shuffles which inputs the first layer's units read, over re-initialized weights.

    Every unit of the first layer keeps its number of inputs, and the other layers have the ticket's
    mask. So it differs from `reinit` only in which inputs of the network are read.
    """

    name = "permuted_input"
    unstructured = True
    dense_chain = True

    def start(self, training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.winning_of(training)).masks
        units = {info.path: 1 for info in run.task.variables() if info.chain == 0}
        first = {path: mask for path, mask in masks.items() if path in units}
        shuffled = pruning.permute_slices(first, starts.generator(training), units)
        return starts.fresh_start(training, run, {**masks, **shuffled})


class RandomMask(starts.TicketControl):
    """Keeps the ticket's start weights under a random mask of the same size.

    With pre-trained weights, this measures the value of the mask.

    Reference: the random mask of Chen et al. 2020 (2007.12223), section 4.1.
    """

    name = "random_mask"

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(starts.winning_of(training))
        rng = starts.generator(training)
        masks = pruning.permute_global(ticket.masks, rng, starts.layout(run))
        return replace(ticket, masks=masks, state=None, seed=starts.seed_of(training))


class RandomMaskLayer(starts.TicketControl):
    """Shuffles the ticket's mask within each variable, and changes nothing else.

    Reference: the randomly pruned network of Frankle et al. 2020 (1912.05671), whose code shuffles
    within layers and starts from the weights that the ticket is rewound to.
    """

    name = "random_mask_layer"

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(starts.winning_of(training))
        rng = starts.generator(training)
        return replace(ticket, masks=pruning.permute_layer(ticket.masks, rng, starts.layout(run)))


ARMS = (
    PermutedLayer(),
    PermutedGlobal(),
    PermutedWord(),
    PermutedInput(),
    RandomMask(),
    RandomMaskLayer(),
)
