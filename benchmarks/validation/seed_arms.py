"""Arms that test whether a mask helps another seed by more than its densities."""

from keras_lottery import pruning
from keras_lottery.arms import arms, starts
from keras_lottery.protocols import Arm, RunView
from keras_lottery.types import MaskSet, Start, Training

SEEDS = (0, 1, 2, 3, 4)


def other_winning(training: Training) -> Training:
    """Returns the winning training of another seed, another one for each draw."""
    place = SEEDS.index(training.seed) + 1 + training.draw % (len(SEEDS) - 1)
    other = starts.winning_of(training)
    return Training(
        other.source, other.task, SEEDS[place % len(SEEDS)], other.round, other.arm, other.draw
    )


def input_kernel(masks: MaskSet) -> str:
    """Returns the path of the first layer's kernel, `(inputs, units)`."""
    return min(masks)


def permute_within_inputs(masks: MaskSet, training: Training, layout: pruning.Layout) -> MaskSet:
    """Shuffles the input layer among the units of each input, other layers within themselves."""
    rng = starts.generator(training)
    shuffled = pruning.permute_layer(masks, rng, layout)
    path = input_kernel(masks)
    return shuffled | {path: rng.permuted(masks[path], axis=1)}


class _OtherSeed(Arm):
    """The winning mask of another seed over re-initialized weights."""

    name = "other_seed"
    stochastic = True

    @staticmethod
    def parents(training: Training) -> tuple[Training, ...]:
        return (starts.winning_of(training), other_winning(training))

    @staticmethod
    def start(training: Training, run: RunView) -> Start:
        return starts.fresh_start(training, run, run.start_of(other_winning(training)).masks)


class _OtherSeedInputPermuted(_OtherSeed):
    """The same, with the input layer's mask shuffled."""

    name = "other_seed_input_permuted"

    @staticmethod
    def start(training: Training, run: RunView) -> Start:
        masks = run.start_of(other_winning(training)).masks
        path = input_kernel(masks)
        shuffled = pruning.permute_layer(
            {path: masks[path]}, starts.generator(training), starts.layout(run)
        )
        return starts.fresh_start(training, run, masks | shuffled)


class _PermutedWithinPixel(_OtherSeed):
    """The seed's own mask, shuffled so that each input keeps its number of weights."""

    name = "permuted_within_pixel"

    @staticmethod
    def start(training: Training, run: RunView) -> Start:
        masks = run.start_of(starts.winning_of(training)).masks
        return starts.fresh_start(
            training, run, permute_within_inputs(masks, training, starts.layout(run))
        )


CONTROLS = (_OtherSeed(), _OtherSeedInputPermuted(), _PermutedWithinPixel())


def register() -> None:
    """Registers these arms, so that configs can name them."""
    for arm in CONTROLS:
        if arm.name not in arms:
            arms.register(arm.name)(arm)
