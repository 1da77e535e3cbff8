"""The Transformers of translation: the small one, and those of Vaswani et al. 2017 at full size."""

import pytest

from tests.configs.translation_presets import WEIGHTS, train_prune_rewind_train


@pytest.mark.parametrize("name, total, prunable", WEIGHTS)
def test_a_preset_trains_prunes_rewinds_and_trains_again(name, total, prunable):
    train_prune_rewind_train(name, total, prunable)
