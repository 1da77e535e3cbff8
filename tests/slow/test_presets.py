"""The presets that tests/configs leaves out: deep networks, and settings like another's."""

import pytest

from tests.configs.test_presets import SLOW, WEIGHTS, two_steps_a_prune_a_rewind_and_two_more


@pytest.mark.parametrize("name, total, prunable", [row for row in WEIGHTS if row[0] in SLOW])
def test_two_steps_a_prune_a_rewind_and_two_more(name, total, prunable):
    two_steps_a_prune_a_rewind_and_two_more(name, total, prunable)
