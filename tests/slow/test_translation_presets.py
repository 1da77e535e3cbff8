"""The Transformers of translation: the small one, and those of Vaswani et al. 2017 at full size."""

import pytest

from tests.configs.translation_presets import WEIGHTS, two_steps_a_prune_a_rewind_and_two_more


@pytest.mark.parametrize("name, total, prunable", WEIGHTS)
def test_two_steps_a_prune_a_rewind_and_two_more(name, total, prunable):
    two_steps_a_prune_a_rewind_and_two_more(name, total, prunable)
