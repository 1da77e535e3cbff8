"""Which versions are allowed, and which were tested."""

import tomllib
import warnings
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from keras_lottery.backend import tested

ROOT = Path(__file__).parents[2]


def pinned(file):
    """Versions by package in a file of constraints."""
    lines = [line for line in (ROOT / file).read_text().splitlines() if "==" in line]
    return {name: Version(number) for name, _, number in (line.partition("==") for line in lines)}


def allowed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    lines = [
        *project["dependencies"],
        *(extras[name][0] for name in ("tensorflow", "jax", "torch")),
    ]
    requirements = map(Requirement, lines)
    return {r.name: r.specifier for r in requirements if r.name in tested.TESTED}


def lower(specifiers):
    return next(s.version for s in specifiers if s.operator == ">=")


@pytest.mark.parametrize("package", tested.TESTED)
def test_the_lowest_and_the_pinned_versions_are_tested_and_allowed(package):
    lowest, ours = pinned("constraints-lowest.txt")[package], pinned("constraints.txt")[package]
    specifiers = SpecifierSet(tested.TESTED[package])
    assert lower(specifiers) == lower(allowed()[package])
    assert lowest == Version(f"{lower(specifiers)}.0")
    for version in (lowest, ours):
        assert version in specifiers
        assert version in allowed()[package]


@pytest.mark.parametrize(
    ("package", "version"),
    [("keras", "3.9.2"), ("keras", "4.0.0"), ("backend", "99.0.dev1"), ("backend", "our_build")],
)
def test_an_untested_version_is_a_warning(package, version, monkeypatch):
    others = {"keras": "3.10.0", "jax": "0.6.2", "tensorflow": "2.19.0", "torch": "2.7.0+cpu"}
    package = tested.keras.config.backend() if package == "backend" else package
    monkeypatch.setattr(tested, "_version", (others | {package: version}).get)
    with pytest.warns(UserWarning, match=rf"Expected {package}>=.* Received: {package} {version}"):
        tested.warn_untested()


def test_a_tested_version_says_nothing(monkeypatch):
    installed = {"keras": "3.15.1", "jax": "0.10.2", "tensorflow": "2.21.0", "torch": "2.13.0+cpu"}
    monkeypatch.setattr(tested, "_version", installed.get)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tested.warn_untested()
