"""Iterative magnitude pruning with rewinding, as in the papers.

This is the specification of the engine, which does the same for any number of seeds, arms and
processes, and can resume. A test compares all their tickets and trained weights bit for bit. Left
out here are `rewind.mode` and the other rewind settings, which have their defaults, and criteria
that need more than the trained weights.

References:
    Frankle & Carbin 2019, "The lottery ticket hypothesis" (1803.03635), section 1.
    Frankle et al. 2020, "Linear mode connectivity and the lottery ticket hypothesis"
    (1912.05671), algorithm 2.
"""

from collections.abc import Iterator

from keras_lottery import pruning
from keras_lottery.config import Config
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.types import MaskSet, Start, State, Training, Weights

_RESTORED = ("optimizer", "seeds", "carried")


def iterative_magnitude_pruning(
    task: Task, config: Config, seed: int
) -> Iterator[tuple[Start, Weights]]:
    """Finds the tickets (m, W_k) of one seed and trains each of them.

    Args:
        task: the network f(x; W), its data and its training for T steps.
        config: N = `prune.rounds`, p = `prune.rate`, k = `rewind.to`.
        seed: seed of W_0 and of the data order.

    Yields:
        A ticket and its trained weights: first the dense network, then one for each round.
    """
    W_0 = task.start_weights(seed)
    ticket = Start(W_0, seed=seed)
    dense = task.fit(_training(task, seed, 0, "dense"), ticket, NoProgress())
    W_k, W_T = _captured(dense.rewind), dense.weights  # at step k, and at step T
    m: MaskSet = {}  # m = 1
    yield ticket, W_T
    for n in range(1, config.prune.rounds + 1):
        # Prune the fraction p of the surviving weights that has the lowest magnitude.
        m = pruning.prune_round(W_T, m, task.variables(), config.prune, n, seed=seed)
        ticket = _rewound(W_k, m, seed)
        W_T = task.fit(_training(task, seed, n, "winning"), ticket, NoProgress()).weights
        yield ticket, W_T


def _training(task: Task, seed: int, round: int, arm: str) -> Training:
    return Training(source="", task=task.name, seed=seed, round=round, arm=arm)


def _rewound(W_k: State, m: MaskSet, seed: int) -> Start:
    """Returns m ⊙ W_k at step k: weights, optimizer slots, seeds, schedule and data order."""
    k = int(W_k["step"][0])
    prefix = "weights/"
    weights = {key[len(prefix) :]: w for key, w in W_k.items() if key.startswith(prefix)}
    state = {key: v for key, v in W_k.items() if key.partition("/")[0] in _RESTORED}
    return Start(
        weights, m, step=k, learning_rate_step=k, data_order_step=k, state=state, seed=seed
    )


def _captured(state: State | None) -> State:
    if state is None:
        raise LotteryError(
            "Expected a rewind point before the end of training. Received: none. Lower rewind.to."
        )
    return state
