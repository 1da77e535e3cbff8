"""Histories and layer tables of another training are refused with the file's name."""

import dataclasses

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.records import read_history, read_layers, read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.build import build
from keras_lottery.report.masks import densities, overlaps
from keras_lottery.report.results import results_by_task
from keras_lottery.types import Training
from tests.report.made_run import make_run


@pytest.fixture
def run(tmp_path):
    return make_run(tmp_path / "made-00000000", seeds=[0, 1], rounds=2, arms=["winning"])


def of(seed, number):
    return Training("", "vision", seed, number, "winning")


def history(tmp_path, *rows):
    file = tmp_path / "winning.history.csv"
    file.write_text("\n".join(["step,loss,val_loss", *rows]) + "\n")
    return file


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (("15,1.0,0.9", "20,1.0,0.8", "30,1.0,0.7"), ""),
        (("15,1.0,0.9", "20,1.0,0.7", "30,1.0,0.8"), "validation loss at step 30.*step 20"),
        (("20,1.0,0.9", "15,1.0,0.8", "30,1.0,0.7"), "steps that rise"),
        (("15,1.0,0.9", "19,1.0,0.7"), "the last 20 steps.*from 15 to 19"),
        (("5,1.0,0.9", "30,1.0,0.7"), "the last 20 steps.*from 5 to 30"),
        (("20,1.0,nan", "30,1.0,0.7"), ""),
    ],
)
def test_a_history_has_the_steps_and_the_best_one_of_its_row(run, tmp_path, rows, said):
    row = read_results(RunPaths(run).results)[0]
    row = dataclasses.replace(row, steps=20, best_step=30)
    file = history(tmp_path, *rows)
    if not said:
        assert len(read_history(file, row)) == len(rows)
        return
    with pytest.raises(LotteryError, match=rf"winning\.history\.csv .*{said}"):
        read_history(file, row)


def test_a_training_without_these_files_has_empty_tables(run, tmp_path):
    row = read_results(RunPaths(run).results)[0]
    assert read_history(tmp_path / "none.csv", row) == []
    assert read_layers(tmp_path / "none.csv", row) == []


def test_the_layers_of_another_round_do_not_add_up(run):
    paths = RunPaths(run)
    paths.layers(of(1, 1)).write_bytes(paths.layers(of(1, 2)).read_bytes())
    with pytest.raises(LotteryError, match=r"round_01/winning\.layers\.csv to hold .* kept"):
        densities(results_by_task(run)[0], "winning")


def test_the_layers_of_another_seed_are_not_those_of_the_ticket(run):
    paths = RunPaths(run)
    paths.layers(of(1, 1)).write_bytes(paths.layers(of(0, 1)).read_bytes())
    with pytest.raises(LotteryError, match=r"seed_1/round_01/winning\.layers\.csv.*as in winning"):
        overlaps(results_by_task(run)[0], "winning")


def test_a_report_refuses_the_history_of_a_longer_training(run):
    file = RunPaths(run).history(of(0, 1))
    file.write_text("step,loss\n100,1.0\n2000,0.5\n")
    with pytest.raises(LotteryError, match=r"winning\.history\.csv.*steps from 100 to 2000"):
        build(run, tensorboard=True)
