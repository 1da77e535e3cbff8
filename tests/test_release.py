"""Files that a release reads agree with the package."""

import tomllib
from pathlib import Path

import pytest

import keras_lottery

ROOT = Path(keras_lottery.__file__).parents[1]


def test_the_version_has_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" not in project["project"] and project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "keras_lottery/__init__.py"
    citation = (ROOT / "CITATION.cff").read_text()
    assert f"\nversion: {keras_lottery.__version__}\n" in citation
    assert f"\n## {keras_lottery.__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("file", [*ROOT.glob(".github/**/*.yml"), ROOT / "CITATION.cff"], ids=str)
def test_the_files_of_the_forge_are_yaml(file):
    yaml = pytest.importorskip("yaml")
    assert yaml.safe_load(file.read_text())


def test_workflows_run_targets_that_exist():
    rules = (line.partition(":")[0] for line in (ROOT / "Makefile").read_text().splitlines())
    targets = {target for rule in rules for target in rule.split()}
    for file in ROOT.glob(".github/workflows/*.yml"):
        for line in file.read_text().splitlines():
            _, found, target = line.partition("run: make ")
            assert not found or target.split()[0] in targets, (file, line)
