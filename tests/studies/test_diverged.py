"""A diverged training of a study is recorded, other seeds go on, and the page names it."""

import csv

import numpy as np
import pytest

from keras_lottery import config as configs
from keras_lottery import report, studies
from keras_lottery.config import presets
from keras_lottery.records import read_rows
from keras_lottery.studies.equilibrium import page as equilibrium_page
from keras_lottery.studies.equilibrium.rows import TRAININGS, TrainingRow
from keras_lottery.studies.instability import page as instability_page
from keras_lottery.tasks.vision.datasets import datasets
from keras_lottery.tasks.vision.task import VisionTask
from tests.studies import flawed

pytestmark = pytest.mark.filterwarnings("ignore:Seed .* diverged", "ignore:.*:RuntimeWarning")


@pytest.fixture(autouse=True)
def _flawed_digits(monkeypatch):
    """Registers the data set for the tests of this file alone."""
    monkeypatch.setitem(datasets._entries, flawed.NAME, flawed.flawed)


SMALL = {
    "seeds": [0, 1],
    "train.length": "20it",
    "model.hidden": (8,),
    "data.train_size": 200,
    "prune.rounds": 1,
    "prune.rate": 0.5,
}
ONE_SUM = {"options.sums": (8,), "options.sum_draws": 2, "options.gadget_draws": 2}
STUDIES = {
    "tickets": ("quickstart", {"arms": ("winning",)}),
    "supermasks": (
        "quickstart",
        {"study": "supermasks", "options.criteria": ("large_final",), "options.levels": 1},
    ),
    "equilibrium": (
        "bragagnolo2022/equilibrium:small_cnn_digits",
        {"model.name": "lenet", "train.batch_size": 100, "options.exclude": (),
         "options.examples": 20, "optimizer.schedule": "constant", "train.length": "1ep"},
    ),
    "strong_tickets": (
        "natale2024/strong_tickets_digits",
        {**ONE_SUM, "options.densities": (0.5,), "options.error": 90.0, "options.agreement": 0.01,
         "options.most": 8},
    ),
    "instability": (
        "quickstart",
        {"study": "instability", "arms": ("winning",), "options.alphas": 3, "rewind.to": "0it",
         "options.subjects": ("dense",)},
    ),
    "transfer": (
        "quickstart",
        {"study": "transfer", "arms": ("winning",), "prune.output": False, "rewind.to": "0it",
         "options.variants.few.data.train_size": 150, "options.variants.all": {},
         "options.sources": ("few",), "options.targets": ("all",)},
    ),
}  # fmt: skip
MEASUREMENTS = {
    "equilibrium": equilibrium_page.measurements,
    "instability": instability_page.measurements,
}
NAN = {"data.name": flawed.NAME}


def run(out, study, **fields):
    """Runs a study and returns its folder, its headline and the text of its page."""
    import keras

    name, own = STUDIES[study]
    given = SMALL | own | {"out": str(out), "backend": keras.config.backend()} | fields
    settings, _ = presets.settled(presets.load(name, given), name, {})  # as far as it is read
    folder = studies.run(configs.freeze(settings))
    page = report.build(folder, tensorboard=False)
    return folder, " ".join(page.headline), page.markdown.read_text()


@pytest.fixture
def seed_1_is_nan(monkeypatch):
    start = VisionTask.start_weights

    def weights(task, seed):
        found = start(task, seed)
        return {p: v * np.float32(np.nan) for p, v in found.items()} if seed == 1 else found

    monkeypatch.setattr(VisionTask, "start_weights", weights)


def cells(file, column):
    with file.open() as text:
        return [row[column] for row in csv.DictReader(text)]


@pytest.mark.parametrize("study", STUDIES)
def test_the_other_seeds_go_on(study, tmp_path, seed_1_is_nan):
    folder, headline, page = run(tmp_path, study)
    said = headline.partition("Diverged: ")[2]
    assert said.startswith("seed 1 ") and "seed 0" not in said.partition(". ")[0]
    assert "n = 1" in page or "1 of 1 seeds" in page  # of seed 0 alone
    assert "nan" not in page.lower().split()
    if study in MEASUREMENTS:  # no claim reads what diverged
        assert {m.seed for m in MEASUREMENTS[study](folder, None)} == {0}
    if study == "equilibrium":
        rows = {(r.seed, r.arm): r.status for r in read_rows(folder / TRAININGS, TrainingRow)}
        assert rows == {
            **{(0, arm): "finished" for arm in ("full", "equilibrium", "random")},
            (1, "full"): "diverged", (1, "equilibrium"): "diverged", (1, "random"): "skipped",
        }  # fmt: skip
        assert "seed 1 `random` (skipped)" in headline


@pytest.mark.parametrize(
    ("study", "flaw"),
    [*((study, "validation") for study in STUDIES), ("tickets", "one"), ("tickets", "test"),
     ("equilibrium", "test")],
)  # fmt: skip
def test_nan_in_the_data_is_no_finished_training(study, flaw, tmp_path):
    given = NAN | {"data.path": flaw, "seeds": [0]}
    _, headline, _ = run(tmp_path, study, **given)
    assert "Diverged: " in headline and "seed 0" in headline
    names = ("results.csv", "trainings.csv", "all.csv", "few.csv")
    files = [file for file in tmp_path.rglob("*.csv") if file.name in names]
    assert files
    for file in files:
        assert "finished" not in cells(file, "status")


def test_copies_diverge_at_a_learning_rate_that_no_training_survives(tmp_path):
    rate = {"optimizer.name": "sgd", "optimizer.learning_rate": 1e38, "seeds": [0]}
    _, headline, _ = run(tmp_path, "instability", **rate)
    assert "Diverged: seed 0 `dense` from 0it pair 0-1" in headline
