"""The Transformers of Vaswani et al. 2017 at full size."""

import pytest

from tests.configs.test_translation_presets import (
    SLOW,
    WEIGHTS,
    two_steps_a_prune_a_rewind_and_two_more,
)


@pytest.mark.parametrize("name, total, prunable", [row for row in WEIGHTS if row[0] in SLOW])
def test_two_steps_a_prune_a_rewind_and_two_more(name, total, prunable):
    two_steps_a_prune_a_rewind_and_two_more(name, total, prunable)
