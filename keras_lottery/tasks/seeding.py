"""Building a model from a seed, with nothing else changed."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras

from keras_lottery import masking
from keras_lottery.masking.copying import fresh_initializers
from keras_lottery.types import Weights


def draw(build: Callable[[], keras.Model], seed: int) -> Weights:
    """Returns the weights of a model that is built anew under a seed.

    Initializers with a fixed seed draw from another one: networks of different seeds differ.

    Args:
        build: returns a new, built model.
        seed: equal seeds give equal weights on one backend.
    """
    with seeded(seed), fresh_initializers():
        return masking.get_weights(build())


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Makes the initializers and dropout layers that are created inside depend on `seed` alone.

    `keras.utils.set_random_seed` would import TensorFlow on every backend, and leave the random
    numbers of the whole process changed. Keras takes the seed of whatever has none given from
    Python's `random`.
    """
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Builds layers under a Keras dtype policy, e.g. `mixed_bfloat16`."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
