"""Trains a small network with batch norm on several virtual CPU devices; prints the results."""

import json

from tests.devices.virtual import BACKEND, DEVICES, DISTRIBUTION, REST  # isort: skip, before the backend starts

import keras
import numpy as np

from keras_lottery import masking, pruning, toolkit, training
from keras_lottery.backend import distribution
from keras_lottery.config import OptimizerConfig, TrainConfig
from keras_lottery.engine.progress import NoProgress
from keras_lottery.training import ArrayData
from keras_lottery.types import Start


def network():
    keras.utils.set_random_seed(3)
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(16, activation="relu", kernel_initializer="glorot_normal"),
            keras.layers.BatchNormalization(
                synchronized=REST != ["local"] and DISTRIBUTION == "mirrored"
            ),
            keras.layers.Dense(3),
        ]
    )


def replicas_agree(model):
    """Every copy of every variable holds the same values."""
    if DISTRIBUTION != "mirrored":
        return True
    for variable in model.variables:
        copies = [np.asarray(v) for v in getattr(variable.value, "values", [variable.value])]
        if len(copies) != DEVICES or any((c != copies[0]).any() for c in copies):
            return False
    return True


def shares(trainer):
    """Returns how many examples of a batch of 16 each device computes on."""
    if BACKEND != "jax" or DISTRIBUTION == "none":
        return 16 // trainer.distribution.replicas
    import jax

    batch = jax.jit(trainer.program._batch)(
        trainer.program.put((np.zeros((96, 6)),)), np.arange(16)
    )
    return batch[0].addressable_shards[0].data.shape[0]


def main():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 160).astype("int32")
    x = (rng.normal(size=(160, 6)) + 2 * np.eye(3, 6)[y]).astype("float32")
    split = distribution.make(DISTRIBUTION)
    with split.scope():
        model = toolkit.mask(network())
    start = {
        p: np.random.default_rng(len(p)).normal(size=v.shape).astype("float32") * 0.3
        for p, v in masking.variables(model).items()
    }
    start = {p: np.abs(v) if "variance" in p else v for p, v in start.items()}
    trainer = training.Trainer(
        model,
        OptimizerConfig("sgd", 0.1, momentum=0.9, schedule="linear", global_clipnorm=0.2),
        TrainConfig(length="24it", batch_size=16, eval_every=8),
        ArrayData((x[:96], y[:96]), (x[96:128], y[96:128]), (x[129:], y[129:])),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
        split,
    )

    def fit(begin):
        return trainer.fit(begin, capture_at=8, data_seed=1, progress=NoProgress())

    dense = fit(Start(start))
    traces = trainer.program.traces
    agree = replicas_agree(model)
    infos = masking.describe(model, masking.MaskOptions())
    masks = pruning.prune_to(dense.weights, {}, infos, 0.5)
    kept = {k[8:]: v for k, v in dense.rewind.items() if k.startswith("weights/")}
    rewound = Start(
        kept, masks, step=8, learning_rate_step=8, data_order_step=8, state=dense.rewind
    )
    trainer.restore(rewound)
    agree = agree and replicas_agree(model)
    winning = fit(rewound)
    agree = agree and replicas_agree(model)
    zero = all(not winning.weights[p][~m].any() for p, m in masks.items())
    print(
        json.dumps(
            {
                "replicas": split.replicas,
                "dense": [row["loss"] for row in dense.history],
                "winning": [row["loss"] for row in winning.history],
                "validation": [row["val_loss"] for row in winning.history],
                "test": winning.final["loss"],
                "kept": [int(m.sum()) for _, m in sorted(masks.items())],
                "shares": shares(trainer),
                "agree": agree,
                "zero": zero,
                "traces": [traces, trainer.program.traces],
            }
        )
    )


main()
