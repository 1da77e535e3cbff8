import numpy as np
import pytest

from tests.toolkit.calibrated.made import LENGTH, VOCABULARY, made_gpt2


@pytest.fixture
def gpt2():
    return made_gpt2()


@pytest.fixture(scope="session")
def tokens():
    return np.random.default_rng(0).integers(0, VOCABULARY, (10, LENGTH)).astype("int32")


@pytest.fixture
def settings(tokens):
    """Settings of a config; ten sequences make an uneven last batch."""
    return {"dataset": tokens, "num_samples": 10, "sequence_length": LENGTH, "batch_size": 4}
