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


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds and three rounds of it, for what doesn't read the results."""
    root = tmp_path_factory.mktemp("runs") / "few-0123abcd"
    return make_run(root, seeds=range(2), rounds=3, masks=False)
