"""The translation Transformers: the small one, and Vaswani et al. 2017's at full size."""

import pytest

from tests.configs.translation_presets import WEIGHTS, train_prune_rewind_train


@pytest.mark.parametrize("name, total, prunable", WEIGHTS)
def test_a_preset_trains_prunes_rewinds_and_trains_again(name, total, prunable):
    train_prune_rewind_train(name, total, prunable)
