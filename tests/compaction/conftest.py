"""Every test starts from the same seeds."""

import keras
import pytest


@pytest.fixture(autouse=True)
def fresh_seeds():
    keras.utils.set_random_seed(0)
