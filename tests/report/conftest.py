"""Runs made once for all tests of the report."""

from pathlib import Path

import pytest

from .made_run import make_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five seeds, fifteen rounds, three arms, two draws of the controls."""
    return make_run(tmp_path_factory.mktemp("runs") / "made-0123abcd", draws=2)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with no tickets and no layer tables."""
    return make_run(tmp_path_factory.mktemp("runs") / "bare-0123abcd", masks=False)
