"""Building a model from a seed, without changing global random state."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras

from keras_lottery import masking
from keras_lottery.masking.copying import fresh_initializers
from keras_lottery.types import Weights


def draw(build: Callable[[], keras.Model], seed: int) -> Weights:
    """Returns the initial weights of a new model for a seed.

    Initializers with a fixed seed get another one, so that networks of different seeds differ.

    Args:
        build: returns a new, built model.
        seed: equal seeds give equal weights on one backend.
    """
    with seeded(seed), fresh_initializers():
        return masking.get_weights(build())


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Makes initializers and dropout layers created inside depend only on `seed`.

    `keras.utils.set_random_seed` would import TensorFlow on every backend, and change the random
    state of the whole process. Keras draws missing seeds from Python's `random`.
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
