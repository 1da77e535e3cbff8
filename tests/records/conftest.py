"""Fixtures of the records' tests."""

from pathlib import Path

import pytest

from keras_lottery.records.run_paths import RunPaths


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    return RunPaths(tmp_path / "quick-0123abcd")
