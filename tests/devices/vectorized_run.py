"""Trains ten tickets as one program on several virtual devices; prints the results."""

import json

from tests.devices.virtual import DEVICES  # isort: skip, before the backend starts

import numpy as np

from keras_lottery import masking
from keras_lottery.engine.progress import NoProgress
from keras_lottery.training.vectorized import FitArguments, VectorizedTrainer
from keras_lottery.types import Start
from tests.training import made
from tests.training.test_vectorized import half, make_trainer


def main():
    network = made.network(dropout=0.3, norm=True)
    trainer = make_trainer(network, length="4it", eval_every=2, average=2, average_every="1it")
    weights = masking.get_weights(trainer.model)
    starts = [Start(weights, half(trainer, seed), seed=seed) for seed in range(DEVICES + 2)]
    vectorized = VectorizedTrainer(trainer)
    shares = []

    class Watching(NoProgress):
        def update(self, step, of, loss):
            state = vectorized.program.state[0][0]
            shares.append(
                (len(state.sharding.device_set), state.addressable_shards[0].data.shape[0])
            )

    results = vectorized.fit([FitArguments(s, None, s.seed, Watching()) for s in starts])
    apart = [
        trainer.fit(s, capture_at=None, data_seed=s.seed, progress=NoProgress())
        for s in (starts[0], starts[-1])
    ]
    programs = [str(p.as_text()) for p in vectorized.program._executables.values()]
    zero = all(
        not result.weights[path][~mask].any()
        for result, start in zip(results, starts, strict=True)
        for path, mask in start.masks.items()
    )
    print(
        json.dumps(
            {
                "shares": sorted(set(shares)),
                "together": [losses(result) for result in (results[0], results[-1])],
                "apart": [losses(result) for result in apart],
                "zero": zero,
                "communicates": any("all-gather" in p or "all-reduce" in p for p in programs),
            }
        )
    )


def losses(result):
    rows = [[row["loss"], row["val_loss"]] for row in result.history]
    kernels = [float(np.abs(v).sum()) for p, v in result.weights.items() if p.endswith("kernel")]
    return [*np.ravel(rows).tolist(), result.final["loss"], result.best["loss"], *kernels]


main()
