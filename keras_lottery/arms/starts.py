"""Helpers of the arms: parent trainings, starts of tickets, and seeds."""

import zlib
from dataclasses import replace

import numpy as np

from keras_lottery import pruning
from keras_lottery.config import RewindConfig
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Arm, RunView
from keras_lottery.types import MaskSet, Start, State, Training, Weights


class TicketControl(Arm):
    """A random control, made from the winning ticket of the same seed and round."""

    stochastic = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (winning_of(training),)


def dense_of(training: Training) -> Training:
    """Returns the dense training of the same seed."""
    return replace(training, round=0, arm="dense", draw=0)


def sibling(training: Training, arm: str) -> Training:
    """Returns the training of another arm at the same seed and round."""
    return replace(training, arm=arm, draw=0)


def winning_of(training: Training) -> Training:
    """Returns the winning training of the same seed and round."""
    return sibling(training, "winning")


def previous(training: Training) -> Training:
    """Returns the same arm's training in the previous round; the dense one for round 1."""
    if training.round == 1:
        return dense_of(training)
    return replace(training, round=training.round - 1, draw=0)


def seed_of(training: Training) -> int:
    """Returns a seed of the training, which those from other sources of tickets share."""
    words = [training.seed, training.round, zlib.crc32(training.arm.encode()), training.draw]
    return int(np.random.SeedSequence(words).generate_state(1)[0] >> 1)


def generator(training: Training) -> np.random.Generator:
    """Returns the random generator of this training's shuffles."""
    return np.random.default_rng([seed_of(training), 1])


def layout(run: RunView) -> pruning.Layout:
    """Returns the groups of weights that the config's pattern prunes together."""
    return pruning.layout_of(run.config.prune.pattern, run.task.variables())


def pruned_once_more(training: Training, run: RunView, criterion: str = "") -> MaskSet:
    """Returns the masks of the arm's next round, pruned from its last trained weights.

    Args:
        criterion: name of the pruning criterion; empty: the config's.
    """
    before = previous(training)
    return run.prune_round(training, run.trained(before), run.start_of(before).masks, criterion)


def fresh_start(training: Training, run: RunView, masks: MaskSet) -> Start:
    """Returns `masks` over re-initialized weights, trained from step 0."""
    seed = seed_of(training)
    return Start(run.task.fresh_weights(seed), masks, seed=seed)


def starting_point(
    training: Training, run: RunView, masks: MaskSet, before: Training, mode: str = ""
) -> Start:
    """Returns the ticket with `masks`: rewound to `rewind.to`, or with the weights kept.

    Args:
        training: the training that starts.
        run: the run so far.
        masks: masks of its ticket.
        before: the training whose weights are kept, if the mode doesn't rewind them.
        mode: `weights` rewinds weights and learning rate, `learning_rate` only the latter, and
            `fine_tune` continues with the last learning rate; empty: the config's.

    Reference:
        Frankle et al. 2019 (1903.01611) for `weights`; Renda et al. 2020 (2003.02389) for
        `learning_rate` and `fine_tune`.
    """
    mode = mode or run.config.rewind.mode
    state = run.rewind_state(training.seed)
    start = from_state(training, run, masks, state)
    if mode == "weights":
        return start
    # The weights continue from the end of the last training: the slots of step `to` are stale.
    last = run.task.steps(run.config.train.length)
    return replace(
        start,
        weights=run.trained(before),
        learning_rate_step=last if mode == "fine_tune" else start.learning_rate_step,
        state=_restored(state, replace(run.config.rewind, optimizer="reset")),
    )


def from_state(training: Training, run: RunView, masks: MaskSet, state: State) -> Start:
    """Returns `masks` over the weights of the rewind point, with the state that it restores."""
    rewind = run.config.rewind
    step = int(state["step"][0])
    return Start(
        weights=_weights(state, rewind.batch_norm),
        masks=masks,
        step=step,
        learning_rate_step=0 if rewind.schedule == "restart" else step,
        data_order_step=0 if rewind.data_order == "restart" else step,
        state=_restored(state, rewind),
        seed=training.seed,
    )


def pruned_early(
    training: Training, run: RunView, criterion: str, keep: int | None = None
) -> Start:
    """Returns the ticket that is pruned at the rewind point, before most of the training.

    Args:
        criterion: name of the pruning criterion.
        keep: number of weights to keep; None: as many as the round keeps.
    """
    start = from_state(training, run, {}, run.rewind_state(training.seed))
    if keep is None:
        masks = run.prune_to_round(training, start.weights, criterion)
    else:
        masks = run.prune_to_count(training, start.weights, keep, criterion)
    return replace(start, masks=masks, metrics={"search_steps": float(start.step)})


def transferred(training: Training, run: RunView) -> Start:
    """Returns the winning ticket of another experiment, for training on this task.

    The output layer gets the start weights of the dense network of the same seed, and no mask.
    Unpruned variables that only one of the two networks has are heads: the source's is dropped, the
    target's keeps its start weights. The training has its full length.

    Raises:
        LotteryError: the ticket has another architecture; the error names the variables.

    Reference:
        Morcos et al. 2019 (1906.02773), section 3.
    """
    ticket = run.source_start_of(training)
    start_weights = run.task.start_weights(training.seed)
    infos = run.task.variables()
    output = {info.path for info in infos if info.output}
    pruned = {info.path for info in infos if info.prunable} | ticket.masks.keys()
    shared = (start_weights.keys() & ticket.weights.keys() | pruned) - output
    wrong = [
        f"{path} {_shape(ticket.weights, path)} for {_shape(start_weights, path)}"
        for path in sorted(shared)
        if _shape(start_weights, path) != _shape(ticket.weights, path)
    ]
    if wrong:
        raise LotteryError(
            f"Expected tickets of {training.source!r} for this network. Received: "
            f"{', '.join(wrong[:8])}. Use a source with the same model and input shape."
        )
    weights = {
        path: ticket.weights[path] if path in shared else start_weights[path]
        for path in start_weights
    }
    masks = {path: mask for path, mask in ticket.masks.items() if path not in output}
    return Start(weights, masks, seed=training.seed)


def _shape(weights: Weights, path: str) -> str:
    return str(tuple(weights[path].shape)) if path in weights else "nothing"


def _weights(state: State, batch_norm: str) -> Weights:
    weights = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    if batch_norm == "reset":
        for path, value in weights.items():
            if path.endswith("moving_mean"):
                weights[path] = np.zeros_like(value)
            elif path.endswith("moving_variance"):
                weights[path] = np.ones_like(value)
    return weights


def _restored(state: State, rewind: RewindConfig) -> State:
    """Returns the parts of the state that are restored.

    State carried from batch to batch is restored with the data order.
    """
    parts = {"optimizer/": rewind.optimizer, "seeds/": rewind.seeds, "carried/": rewind.data_order}
    restored = tuple(part for part, mode in parts.items() if mode == "restore")
    return {k: v for k, v in state.items() if k.startswith(restored)}
