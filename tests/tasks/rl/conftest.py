"""Reinforcement learning runs on TensorFlow alone, with the extra `rl`; elsewhere nothing is run.

`tests/conftest.py` sets TF_USE_LEGACY_KERAS, without which TF-Agents does not work.
"""

import os
from importlib.util import find_spec

import pytest

ON_TENSORFLOW = os.environ.get("KERAS_BACKEND", "tensorflow") == "tensorflow"

if not (ON_TENSORFLOW and find_spec("tf_agents") and find_spec("gymnasium")):
    collect_ignore_glob = ["test_*.py"]  # `tests/run.py` says so


def pytest_itemcollected(item: pytest.Item) -> None:
    """Marks the tests of this folder."""
    item.add_marker(pytest.mark.tensorflow)
