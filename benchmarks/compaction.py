"""A network that lost half of its channels, against the dense one and one built at half width.

KERAS_BACKEND=tensorflow python -m benchmarks.compaction [--pairs 11]
"""

from collections.abc import Callable

import keras
import numpy as np
from keras import layers

import keras_lottery as kl
from benchmarks.command import Measured, Options, main, rated
from benchmarks.table import Row

ABOUT = "Predictions of a ResNet-18 whose channels were pruned by half and removed by kl.compact."
LIMIT = 1.1
SEED = 0


def measure(options: Options) -> Measured:
    """Returns, for batches of 1 and 32, the ratios to half width and to dense."""
    width, side = (8, 32) if options.quick else (64, 128)
    keras.utils.set_random_seed(SEED)
    dense, half = resnet18(width, side), resnet18(width // 2, side)
    pruned = kl.mask(resnet18(width, side))
    kl.prune(pruned, sparsity=0.5, pattern="channels", scope="layer")
    unstructured = kl.mask(resnet18(width, side))
    kl.prune(unstructured, sparsity=0.75)
    small = kl.compact(pruned)
    rows: list[Row] = []
    for batch in (1,) if options.quick else (1, 32):
        x = np.random.default_rng(SEED).normal(size=(batch, side, side, 3)).astype(np.float32)
        plain = predict(dense, x)
        for name, model, against, limit in (
            ("compacted, against half width", small, predict(half, x), LIMIT),
            ("compacted, against dense", small, plain, None),
            ("75 % unstructured sparsity, against dense", kl.strip(unstructured), plain, None),
        ):
            this, other = name.split(", against ")
            case = f"ResNet-18, {side} × {side}, batch {batch}"
            candidates = {this: predict(model, x), other: against}
            rows.append(rated(case, candidates, batch, "images", options, limit))
    counts = {
        name: f"{model.count_params():,}"
        for name, model in (("dense", dense), ("compacted", small), ("half width", half))
    }
    note = "Parameters: " + ", ".join(f"{name} {count}" for name, count in counts.items()) + "."
    return Measured(rows, [note])


def predict(model: keras.Model, x: np.ndarray) -> Callable[[], object]:
    """Returns a call of the model's compiled prediction."""
    return lambda: model.predict_on_batch(x)


def resnet18(width: int, side: int) -> keras.Model:
    """Returns the 18-layer network of He et al. 2015 (arXiv 1512.03385) with `width` filters first.

    Its moving statistics are drawn, so that channels differ in more than their kernels.
    """
    inputs = keras.Input((side, side, 3))
    x = layers.Conv2D(width, 7, strides=2, padding="same", use_bias=False)(inputs)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(_activated(x))
    for stage in range(4):
        for block in range(2):
            x = _block(x, width * 2**stage, 2 if stage and not block else 1)
    x = layers.GlobalAveragePooling2D()(x)
    model = keras.Model(inputs, layers.Dense(1000)(x))
    rng = np.random.default_rng(SEED)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.gamma.assign(rng.uniform(0.5, 1.5, layer.gamma.shape))
            layer.moving_mean.assign(rng.normal(size=layer.moving_mean.shape))
    return model


def _activated(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(layers.BatchNormalization()(x))


def _block(x: keras.KerasTensor, filters: int, strides: int) -> keras.KerasTensor:
    settings = {"padding": "same", "use_bias": False}
    inner = _activated(layers.Conv2D(filters, 3, strides=strides, **settings)(x))
    inner = layers.BatchNormalization()(layers.Conv2D(filters, 3, **settings)(inner))
    if x.shape[-1] != filters or strides > 1:
        x = layers.Conv2D(filters, 1, strides=strides, **settings)(x)
        x = layers.BatchNormalization()(x)
    return layers.ReLU()(layers.Add()([inner, x]))


if __name__ == "__main__":
    main("compaction", ABOUT, measure, keras=True)
