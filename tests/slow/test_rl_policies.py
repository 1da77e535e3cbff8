"""A saved policy of an agent with two heads."""

import pytest

from tests.tasks.rl.test_policies import is_written_reloaded_and_compared


@pytest.mark.tensorflow
def test_a_policy_beside_a_value(tmp_path):
    is_written_reloaded_and_compared("ppo", 2, tmp_path)
