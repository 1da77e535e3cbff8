"""A small synthetic classification problem, and models for it."""

import keras
import numpy as np


def blobs(examples=120, features=6, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, examples).astype("int32")
    x = rng.normal(size=(examples, features)) + 2 * np.eye(classes, features)[y]
    return x.astype("float32"), y


def network(features=6, classes=3, dropout=0.0, norm=False, seed=1):
    keras.utils.set_random_seed(seed)
    layers = [keras.Input((features,)), keras.layers.Dense(16, activation="relu")]
    if norm:
        layers.append(keras.layers.BatchNormalization())
    if dropout:
        layers.append(keras.layers.Dropout(dropout))
    return keras.Sequential([*layers, keras.layers.Dense(classes)])


def compiled(model, optimizer="adam", **settings):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"], **settings)
    return model
