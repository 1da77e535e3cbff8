"""The user's modules are imported only where the user named them."""

import sys

import pytest

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError


@pytest.fixture(autouse=True)
def _nothing_allowed(monkeypatch, tmp_path):
    monkeypatch.setattr(user_modules, "_allowed", set())
    monkeypatch.setattr(user_modules, "_flags", {})
    monkeypatch.setattr(user_modules, "_looked_for", set())
    monkeypatch.setattr(user_modules, "_failed", [])
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "made_by_user.py").write_text("value = 3\n")
    (tmp_path / "made_broken.py").write_text("raise SystemError('broken\\nin two')\n")
    yield
    sys.modules.pop("made_by_user", None)


def test_a_module_is_imported_only_after_the_user_named_it():
    with pytest.raises(
        LotteryError, match=r"--import=made_by_user;.*user_modules\.allow\('made_by_user'\)"
    ):
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


@pytest.fixture
def elsewhere(monkeypatch, tmp_path_factory):
    """A folder that is the current one and is not searched."""
    folder = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p])
    before = set(sys.modules)
    yield folder
    for name in set(sys.modules) - before:
        del sys.modules[name]


def plugin(folder, module, package="made-package"):
    """Writes what an installer writes of a package with a plugin."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{user_modules.GROUP}]\nmade = {module}\n")


def test_import_looks_into_the_current_folder_last(elsewhere):
    (elsewhere / "made_here.py").write_text("import made_beside\n")
    (elsewhere / "made_beside.py").write_text("import made_by_user\n")
    (elsewhere / "made_by_user.py").write_text("value = 'of the current folder'\n")
    module = user_modules.import_named("made_here")
    assert module.made_beside.made_by_user.value == 3
    assert user_modules.is_allowed("made_here") and user_modules.flags() == {
        "made_here": "made_here"
    }


def test_what_is_found_elsewhere_brings_no_folder_into_the_search(elsewhere):
    (elsewhere / "made_by_user.py").write_text("value = 'of the current folder'\n")
    assert user_modules.import_named("made_by_user").value == 3
    assert str(elsewhere) not in sys.path


@pytest.mark.parametrize("given", ["made/one.py", "made/package/__init__.py"])
def test_import_takes_a_file(elsewhere, given):
    file = elsewhere / given
    file.parent.mkdir(parents=True)
    file.write_text("value = 5\n")
    module = user_modules.import_named(given)
    assert module.value == 5 and user_modules.flags() == {module.__name__: given}
    assert user_modules.import_named(str(file)) is module


def test_a_file_that_is_named_like_another_module_is_refused(elsewhere):
    (elsewhere / "numpy.py").write_text("raise SystemExit\n")
    (elsewhere / "made_by_user.py").write_text("raise SystemExit\n")
    for file in ("numpy.py", "made_by_user.py"):
        with pytest.raises(LotteryError, match=f"no other module has.*{file}.*Rename"):
            user_modules.import_named(file)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("", "dotted name"),
        ("made-here", "dotted name"),
        ("folder/made_here", "dotted name"),
        ("nowhere.py", "not there"),
        ("made_broken", "SystemError: broken in two"),
        ("made_absent.part", r"No module named.*path/to/module\.py"),
    ],
)
def test_what_cannot_be_imported_is_one_line(elsewhere, given, words):
    with pytest.raises(LotteryError, match=words):
        user_modules.import_named(given)


def test_a_plugin_is_imported_once_and_may_be_loaded(tmp_path):
    plugin(tmp_path, "made_by_user")
    assert [found.module for found in user_modules.plugins()] == ["made_by_user"]
    assert "made_by_user" not in sys.modules
    assert user_modules.load("made_by_user").value == 3
    del sys.modules["made_by_user"]
    user_modules.load_installed()
    assert "made_by_user" not in sys.modules


def test_a_broken_plugin_is_named_with_its_package_each_time(tmp_path):
    plugin(tmp_path, "made_broken")
    for _ in range(2):
        with pytest.raises(LotteryError, match=r"'made_broken'.*'made-package'.*broken in two\."):
            user_modules.load_installed()
