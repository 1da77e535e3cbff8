"""The presets that tests/configs leaves out: deep networks, and settings like another's."""

import pytest

from tests.configs.test_presets import SLOW, WEIGHTS, train_prune_rewind_train


@pytest.mark.parametrize("name, total, prunable", [row for row in WEIGHTS if row[0] in SLOW])
def test_a_preset_trains_prunes_rewinds_and_trains_again(name, total, prunable):
    train_prune_rewind_train(name, total, prunable)
