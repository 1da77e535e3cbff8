"""Training 1 to 64 tickets as one program, against training one by itself.

KERAS_BACKEND=jax python -m benchmarks.vectorized [--pairs 5]
"""

from functools import partial

import numpy as np

import keras_lottery as kl
from benchmarks import made
from benchmarks.command import Measured, Options, main
from benchmarks.compare import in_turn, ratios
from benchmarks.table import Row
from keras_lottery import backend, masking
from keras_lottery.config import OptimizerConfig, TrainConfig
from keras_lottery.engine.progress import NoProgress
from keras_lottery.training import ArrayData, Trainer
from keras_lottery.training.vectorized import FitArguments, VectorizedTrainer
from keras_lottery.types import Start

ABOUT = (
    "Whole trainings of several tickets as one program, with evaluations every 100 steps, against "
    "one training by itself. A ratio below the number of tickets is a gain."
)
PAIRS = 5
TICKETS = (1, 4, 16, 64)
LIMIT = 4.0
"""Upper limit of the ratio for 64 tickets on an accelerator."""


def measure(options: Options) -> Measured:
    """Returns the ratio for each number of tickets."""
    slow = backend.is_cpu()
    steps = 4 if options.quick else 100 if slow else 5000
    case = made.lenet(steps)
    trainer = _trainer(case, steps, examples=8 if options.quick else 6000)
    together = VectorizedTrainer(trainer)
    tickets = [_ticket(trainer, seed) for seed in range(max(TICKETS))]
    counts = (1, 2) if options.quick else TICKETS
    return Measured([_row(case, together, tickets[:n], options, slow) for n in counts], [])


def _row(
    case: made.Case,
    together: VectorizedTrainer,
    tickets: list[FitArguments],
    options: Options,
    slow: bool,
) -> Row:
    one, count = tickets[0], len(tickets)
    alone = partial(
        together.trainer.fit, one.start, capture_at=None, data_seed=0, progress=one.progress
    )
    name = f"{count} together"
    seconds = in_turn({name: partial(together.fit, tickets), "one": alone}, options.pairs)
    medians = {key: float(np.median(values)) for key, values in seconds.items()}
    return Row.of(
        f"{case.name}, {case.steps:,} steps, {count} ticket{'s' * (count > 1)}",
        f"{name}: {medians[name]:.3f} s",
        f"one: {medians['one']:.3f} s",
        ratios(seconds, name, "one"),
        LIMIT if count == max(TICKETS) and not slow else None,
    )


def _trainer(case: made.Case, steps: int, examples: int) -> Trainer:
    batches = -(-examples // case.batch)
    train, held_out = case.data(10 * batches), case.data(batches)
    return Trainer(
        kl.mask(case.build()),
        OptimizerConfig(),
        TrainConfig(length=f"{steps}it", batch_size=case.batch, eval_every=100),
        ArrayData(train, held_out, held_out),
        loss=made.loss(),
        metrics=["accuracy"],
    )


def _ticket(trainer: Trainer, seed: int) -> FitArguments:
    rng = np.random.default_rng(seed)
    masks = {p: rng.random(m.shape) < 0.5 for p, m in masking.get_masks(trainer.model).items()}
    start = Start(masking.get_weights(trainer.model), masks, seed=seed)
    return FitArguments(start, None, seed, NoProgress())


if __name__ == "__main__":
    main("vectorized", ABOUT, measure, keras=True, pairs=PAIRS)
