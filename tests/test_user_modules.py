"""Modules of the user's own are imported where the user named them, and nowhere else."""

import sys

import pytest

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError


@pytest.fixture(autouse=True)
def _nothing_allowed(monkeypatch, tmp_path):
    monkeypatch.setattr(user_modules, "_allowed", set())
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "made_by_user.py").write_text("value = 3\n")
    (tmp_path / "made_broken.py").write_text("raise SystemError('broken\\nin two')\n")
    yield
    sys.modules.pop("made_by_user", None)


def test_a_module_is_imported_only_after_the_user_named_it():
    with pytest.raises(LotteryError, match=r"user_modules\.allow\('made_by_user'\)"):
        user_modules.load("made_by_user")
    assert "made_by_user" not in sys.modules
    user_modules.allow("made_by_user")
    assert user_modules.load("made_by_user").value == 3
    assert user_modules.is_allowed("made_by_user") and not user_modules.is_allowed("sys")


def test_a_module_that_is_imported_already_is_given_out():
    assert user_modules.load("sys") is sys


@pytest.mark.parametrize(
    ("name", "reason"),
    [("made_broken", "SystemError: broken in two"), ("made_absent", "No module named")],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_reason(name, reason):
    user_modules.allow(name)
    with pytest.raises(LotteryError, match=f"{name}.*{reason}.*PYTHONPATH"):
        user_modules.load(name)
