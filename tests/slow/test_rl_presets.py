"""The presets of reinforcement learning that the quick suite leaves out."""

import pytest

from tests.configs.test_rl_presets import SLOW, WEIGHTS, train_prune_rewind_train


@pytest.mark.tensorflow
@pytest.mark.parametrize("name, total", [row for row in WEIGHTS if row[0] in SLOW])
def test_presets_of_more_games(name, total):
    train_prune_rewind_train(name, total)
