"""The tables of a run are whole at every moment, and a resumed run equals an uninterrupted one."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.records import (
    LayerRow,
    Records,
    layer_rows,
    read_metrics,
    read_numbers,
    read_results,
    read_rows,
)
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.types import VariableInfo

from .made_rows import row

ROWS = [row(), row(round=1, arm="winning"), row(round=1, arm="reinit", draw=1), row(seed=1)]
METRICS = {"loss": 0.1, "top5": 1 / 3}


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the package catches it."""


def test_appended_rows_read_back(paths: RunPaths) -> None:
    records = Records(paths)
    for one in ROWS:
        records.append(one, METRICS)
    assert read_results(paths.results) == ROWS
    assert [m.value for m in read_metrics(paths.metrics)] == [0.1, 1 / 3] * 4
    assert Records(paths).done() == {one.training for one in ROWS}
    assert Records(paths).results == tuple(ROWS)


def test_a_training_is_never_written_twice(paths: RunPaths) -> None:
    records = Records(paths)
    records.append(ROWS[0])
    with pytest.raises(LotteryError, match="Received: Training"):
        records.append(row(value=0.5))
    assert read_results(paths.results) == ROWS[:1]


@pytest.mark.parametrize("moment", range(8))
def test_killed_at_any_replacement_the_resumed_files_are_equal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """Each append replaces two files; the process dies just before one of the eight."""
    whole = RunPaths(tmp_path / "whole")
    records = Records(whole)
    for one in ROWS:
        records.append(one, METRICS)

    paths, replaced, replace = RunPaths(tmp_path / "killed"), [0], os.replace

    def until(source: object, target: object) -> None:
        if replaced[0] == moment:
            raise Killed
        replaced[0] += 1
        replace(source, target)  # type: ignore[arg-type]

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", until)
        records = Records(paths)
        for one in ROWS:
            records.append(one, METRICS)

    records = Records(paths)
    for one in ROWS:
        if one.training not in records.done():
            records.append(one, METRICS)
    for name in ("results", "metrics"):
        assert getattr(paths, name).read_bytes() == getattr(whole, name).read_bytes()


def test_temporary_files_of_a_killed_process_are_swept(paths: RunPaths) -> None:
    stale = paths.history(ROWS[1].training).with_name(".abc.tmp")
    stale.parent.mkdir(parents=True)
    stale.write_text("half")
    Records(paths)
    assert not stale.exists()


@pytest.mark.parametrize("cut", [1, 2, 5, 40, 200])
def test_a_cut_file_is_an_error_that_names_it(paths: RunPaths, cut: int) -> None:
    Records(paths).append(ROWS[0])
    whole = paths.results.read_bytes()
    paths.results.write_bytes(whole[:-cut])
    with pytest.raises(LotteryError, match=r"results\.csv"):
        Records(paths)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty file"),
        (b"a,b\n1,2\n", "Received: a,b"),
        (b"\xff\xfe\x00\x01", "decode"),
        (b'"a\n', "table"),
    ],
)
def test_a_foreign_file_is_an_error(paths: RunPaths, content: bytes, said: str) -> None:
    paths.root.mkdir()
    paths.results.write_bytes(content)
    with pytest.raises(LotteryError, match=said):
        read_results(paths.results)


def test_wrong_cells_and_double_rows_are_errors(paths: RunPaths) -> None:
    Records(paths).append(ROWS[0])
    whole = paths.results.read_text()
    paths.results.write_text(whole.replace(",1.25,", ",soon,"))
    with pytest.raises(LotteryError, match=r"row 2.*soon"):
        read_results(paths.results)
    header, line = whole.splitlines()
    paths.results.write_text(f"{header}\n{line}\n{line}\n")
    with pytest.raises(LotteryError, match="two of"):
        read_results(paths.results)
    with pytest.raises(LotteryError, match="nothing there"):
        read_results(paths.root / "none.csv")


def test_histories_and_layers(paths: RunPaths) -> None:
    records, training = Records(paths), ROWS[1].training
    records.write_history(training, [{"step": 100, "loss": 1 / 3}, {"step": 200, "accuracy": 0.5}])
    assert paths.history(training).read_text().splitlines()[0] == "step,loss,accuracy"
    assert read_numbers(paths.history(training)) == [
        {"step": 100.0, "loss": 1 / 3},
        {"step": 200.0, "accuracy": 0.5},
    ]
    masks = {"layers/b/kernel": np.eye(4, dtype=bool), "layers/a/kernel": np.ones(3, dtype=bool)}
    infos = [VariableInfo("layers/b/kernel", (4, 4), chain=0)]
    records.write_layers(training, layer_rows(masks, infos))
    assert paths.layers(training).read_text().splitlines() == [
        "path,kept,size,density,connected_inputs,connected_units",
        "layers/a/kernel,3,3,1.0,,",
        "layers/b/kernel,4,16,0.25,4,4",
    ]
    a, b = read_rows(paths.layers(training), LayerRow)
    assert (a.connected_inputs, b.connected_inputs, b.connected_units) == (None, 4, 4)
    paths.layers(training).write_text("path,kept,size,density\na,1,2,0.5\n")  # an older version's
    assert read_rows(paths.layers(training), LayerRow) == [LayerRow("a", 1, 2, 0.5)]
    columns = "path,kept,size,density,connected_inputs,connected_units"
    for wrong in ("-1,2", "1,-2", "1.5,2"):
        paths.layers(training).write_text(f"{columns}\na,1,2,0.5,{wrong}\n")
        with pytest.raises(LotteryError, match="row 2"):
            read_rows(paths.layers(training), LayerRow)
    for wrong, said in (("5,3,1.0", "5 of 3"), ("-1,3,0.0", "-1 of 3"), ("4,16,1.0", "of 0.25")):
        paths.layers(training).write_text(f"path,kept,size,density\na,{wrong}\n")
        with pytest.raises(LotteryError, match=f"row 2.*{said}"):
            read_rows(paths.layers(training), LayerRow)
    for step in ("-5.0", "1e+300", "inf", "nan"):
        paths.history(training).write_text(f"step,loss\n{step},1.0\n")
        with pytest.raises(LotteryError, match="steps from 0 to .*" + re.escape(step)):
            read_numbers(paths.history(training))


def test_a_folder_that_cannot_be_written_to_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LotteryError, match="Choose another one"):
        Records(RunPaths(tmp_path / "file" / "run")).append(ROWS[0])
