"""The presets of reinforcement learning that the quick suite leaves out."""

import pytest

from tests.configs.test_rl_presets import SLOW, WEIGHTS, two_steps_a_prune_a_rewind_and_two_more


@pytest.mark.parametrize("name, total", [row for row in WEIGHTS if row[0] in SLOW])
def test_presets_of_more_games(name, total):
    two_steps_a_prune_a_rewind_and_two_more(name, total)
