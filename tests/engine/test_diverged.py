"""A training that diverges is recorded, its descendants are skipped, and the run goes on."""

import csv

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import engine, report
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.task import VisionTask
from tests.engine.small import config

ARMS = ("winning", "reinit", "one_shot")


def statuses(run):
    with (run / "results.csv").open() as file:
        return {
            (int(r["seed"]), int(r["round"]), r["arm"]): r["status"] for r in csv.DictReader(file)
        }


@pytest.fixture
def trained(monkeypatch):
    """What is trained; seed 1 starts from NaN, and seed 0's first ticket ends there."""
    found = []
    fit, start = VisionTask.fit, VisionTask.start_weights

    def nan(weights):
        return {path: np.full_like(value, np.nan) for path, value in weights.items()}

    def fit_once(task, training, *rest):
        key = (training.seed, training.round, training.arm)
        found.append(key)
        outcome = fit(task, training, *rest)
        outcome.weights = nan(outcome.weights) if key == (0, 1, "winning") else outcome.weights
        return outcome

    monkeypatch.setattr(VisionTask, "fit", fit_once)
    monkeypatch.setattr(
        VisionTask, "start_weights", lambda t, s: nan(start(t, s)) if s == 1 else start(t, s)
    )
    return found


@pytest.mark.filterwarnings("ignore:Seed .* diverged")
def test_the_others_go_on_and_nothing_is_trained_twice(trained, tmp_path):
    small = config(tmp_path, arms=ARMS, seeds=[0, 1])
    run = engine.run(small)
    went_on = [(0, 0, "dense"), (0, 1, "winning"), (0, 1, "one_shot"), (0, 2, "one_shot")]
    assert sorted(trained) == sorted([*went_on, (1, 0, "dense")])
    found = statuses(run)
    assert len(found) == 2 * (1 + 2 * 3)
    diverged = [(0, 1, "winning"), (1, 0, "dense")]
    assert [key for key, status in found.items() if status == "diverged"] == diverged
    finished = [key for key, status in found.items() if status == "finished"]
    assert finished == [key for key in went_on if key not in diverged]
    assert set(found.values()) == {"finished", "diverged", "skipped"}
    kept = {path.relative_to(run).as_posix() for path in run.rglob("*.safetensors")}
    assert kept == {
        *(f"seed_0/round_0{r}/one_shot.ticket.safetensors" for r in (1, 2)),
        "seed_0/round_00/dense.ticket.safetensors", "seed_0/round_00/dense.trained.safetensors",
        "seed_0/round_01/winning.ticket.safetensors", "seed_0/rewind.safetensors",
        "seed_1/round_00/dense.ticket.safetensors",
    }  # fmt: skip

    said = report.headline(run)
    assert "Diverged: seed 0 round 1 `winning`; seed 1 round 0 `dense`. 9 trainings" in said[-1]
    page = report.build(run, tensorboard=False).markdown.read_text()
    assert said[-1] in page and "not finished" not in page
    assert "nan" not in page

    # A process that was killed after a diverged row skips the rest, and trains none of it again.
    trained.clear()
    whole = (run / "results.csv").read_bytes()
    lines = whole.splitlines(keepends=True)
    (run / "results.csv").write_bytes(b"".join(r for r in lines if b",skipped" not in r))
    assert engine.run(small) == run and not trained
    assert sorted((run / "results.csv").read_bytes().splitlines()) == sorted(whole.splitlines())
    engine.run(config(tmp_path, arms=ARMS, seeds=[0, 1], prune__rounds=3))
    assert trained == [(0, 3, "one_shot")]
    assert statuses(run)[0, 3, "winning"] == "skipped"


def test_a_row_of_an_older_file_counts_as_finished(trained, tmp_path):
    small = config(tmp_path, arms=("one_shot",), prune__rounds=1)
    run = engine.run(small)
    file = run / "results.csv"
    rows = file.read_text().splitlines()
    file.write_text("".join(row.rpartition(",")[0] + "\n" for row in rows))
    trained.clear()
    assert engine.run(small) == run and not trained
    assert "one_shot" in report.headline(run)[0] and len(report.headline(run)) == 1


@pytest.mark.backend
def test_a_run_of_which_nothing_is_left_ends_and_has_a_report(tmp_path):
    wild = config(tmp_path, arms=("winning",), optimizer__learning_rate=1e30, prune__rounds=1)
    with pytest.warns(UserWarning, match="Seed 0, round 0, dense diverged: .* is not finite"):
        run = engine.run(wild)
    assert statuses(run) == {(0, 0, "dense"): "diverged", (0, 1, "winning"): "skipped"}
    files = report.build(run, tensorboard=False)
    assert "Diverged: seed 0 round 0 `dense`. 1 training that descends" in files.headline[0]
    assert not files.figures and report.terminal_table(run).row_count == 0


@pytest.mark.backend
def test_a_search_over_nan_says_so_and_ends():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Softmax()])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x = np.full((20, 4), np.nan, "float32")
    search = kl.TicketSearch(rounds=2, verbose=False)
    with pytest.warns(UserWarning, match="dense diverged"):
        history = search.fit(model, x, np.zeros(20, int))
    assert [(t.arm, result.status) for t, result in history.results.items()] == [
        ("dense", "diverged")
    ]
    with pytest.raises(LotteryError, match="trained ticket"):
        history.ticket(1)
    assert np.isfinite(next(iter(history.results.values())).final_value)
    assert np.isnan(history.values("dense")[0]) and "diverged" in str(history)
    with pytest.raises(LotteryError, match="one that diverged"):
        history.best_round()
