"""Result pages come from a run folder, and contain no local paths."""

import json

import pytest

from benchmarks import results
from keras_lottery import engine
from tests.engine.small import config


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return engine.run(config(tmp_path_factory.mktemp("runs"), prune__rounds=1, seeds=[0, 1]))


def test_a_page_of_a_run_that_is_there(run, tmp_path, monkeypatch, capsys):
    kept = tmp_path / "results"
    monkeypatch.setattr(results, "ROOT", tmp_path)
    monkeypatch.setattr(results, "RESULTS", kept)
    assert results.main(["quickstart", f"--run={run}"]) == 0
    assert "page: results/quickstart/page.md" in capsys.readouterr().out
    files = {path.name for path in (kept / "quickstart").iterdir()}
    assert {"page.md", "results.csv", "metrics.csv", "config.json", "tickets.png"} <= files
    assert "overlap.png" in files  # the tickets of both seeds were found
    for path in (kept / "quickstart/page.md", kept / "quickstart/config.json", kept / "index.md"):
        assert str(run.parent) not in path.read_text()
    assert "quickstart" in (kept / "index.md").read_text()
    record = json.loads((run / "config.json").read_text())
    assert record["config"]["out"] == str(run.parent)  # the run itself is left as it was


def test_a_folder_that_is_no_run_is_one_line(tmp_path, capsys):
    assert results.main(["quickstart", f"--run={tmp_path}"]) == 2
    said = capsys.readouterr().err.strip()
    assert said.startswith("results: Expected a run folder") and "\n" not in said
