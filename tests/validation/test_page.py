"""The validation page agrees with its tables, and its claims hold."""

from pathlib import Path

import pytest

from benchmarks.results import PAGES, main
from benchmarks.validation.losses import TOLERANCE
from benchmarks.validation.page import content
from benchmarks.validation.tables import read
from keras_lottery.report.markdown import to_markdown

FOLDER = Path(__file__).parents[2] / "docs/results/validation"


@pytest.fixture(scope="module")
def tables():
    return read(FOLDER)


def test_the_page_is_what_its_tables_make(tables):
    blocks, drawings = content(tables)
    assert (FOLDER / "page.md").read_text() == to_markdown(blocks)
    assert {d.file for d in drawings} == {p.name for p in FOLDER.glob("*.png")}


def test_masks_and_losses_are_those_of_torch(tables):
    assert len([cut for cut in tables.cuts if cut.tied == 1]) >= 12
    for cut in tables.cuts:
        assert cut.pruned == cut.torch_pruned and cut.elsewhere == 0 and cut.by_index
        assert cut.differing == 0 or cut.tied > 1
    assert all({"jax", "tensorflow", "torch"} <= row.keys() for row in tables.losses)
    for row in tables.losses:
        for name in ("jax", "tensorflow", "torch"):
            assert abs(row[name] - row["plain"]) <= TOLERANCE


def test_the_index_names_the_page():
    index = (FOLDER.parent / "index.md").read_text()
    assert "validation/page.md" in index and "presets.md" in index


@pytest.mark.parametrize("name", ["nothing", ""])
def test_an_unknown_page_ends_with_what_is_known(name, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([name])
    assert stopped.value.code == 2
    said = capsys.readouterr().err
    assert all(page in said for page in PAGES)


def test_a_folder_of_data_sets_for_games_is_one_clear_error(tmp_path, capfd):
    assert main(["cartpole_dqn", "--data-dir=data", f"--out={tmp_path}"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.endswith("cartpole_dqn reads no files. Received: data. Leave it out.")


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["all", "--data-dir=data"], "since all reads no data set. Received: data"),
        (["claims", "--run=runs/x"], "since claims reads no run. Received: runs/x"),
        (["quickstart", "--run=runs/x", "--data-dir=data"], "since a finished run reads no data"),
    ],
)
def test_an_option_that_a_page_does_not_read_is_one_clear_error(arguments, reason, capsys):
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert reason in line and line.endswith("Leave it out.")


def test_a_run_folder_that_is_none_is_named_as_it_was_given(capsys):
    assert main(["quickstart", "--run=runs/nothing"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "Received: runs/nothing. Give the folder" in line
