"""Copies that go apart: the barrier between them, resuming, and the page."""

import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers the studies
from keras_lottery import config as configs
from keras_lottery import report, studies
from keras_lottery.config import presets
from keras_lottery.engine.check_config import check
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.studies.instability import run as study
from keras_lottery.studies.instability.lines import barrier, lines
from keras_lottery.studies.instability.rows import FILE, PathRow, read
from keras_lottery.types import Start

from ...engine import small

pytestmark = pytest.mark.tensorflow  # it trains convolutions in half of JAX's time

SMALL = {
    "study": "instability",
    "model.name": "small_cnn",
    "model.hidden": (300, 100),
    "arms": ("winning",),
    "rewind.to": "0it",
    "data.train_size": 240,
    "train.batch_size": 20,
    "options.points": ("0it", "20it"),
    "options.orders": 2,
    "options.alphas": 3,
}


def config(out, **fields):
    return small.config(out, **(SMALL | fields))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return studies.run(config(tmp_path_factory.mktemp("runs")))


def table(run):
    return (run / FILE).read_text()


def test_every_pair_of_every_subject_and_point_is_measured(run):
    rows = read(RunPaths(run))
    keys = {(r.point, r.subject, r.seed, r.pair) for r in rows}
    assert keys == {(p, s, 0, "0-1") for p in ("0it", "20it") for s in ("dense", "winning")}
    assert len(rows) == 4 * 3
    remaining = {r.subject: r.remaining for r in rows}
    assert remaining["dense"] == 1 and remaining["winning"] == pytest.approx(0.25, abs=0.01)
    ends = {(r.alpha, r.test_error) for r in rows if r.alpha in (0, 1)}
    assert len(ends) > 2  # other orders of the data make other networks


def test_an_interrupted_run_resumes_to_the_same_table(run, monkeypatch):
    whole = table(run)
    kept = whole.splitlines(keepends=True)[:7]  # the header and two of four pairs
    (run / FILE).write_text("".join(kept))
    trained, bars = [], []
    fit = study.replace

    class Bar(study.ProgressBar):
        def __exit__(self, *error):
            bars.append((self._total, self._finished))
            super().__exit__(*error)

    monkeypatch.setattr(study, "ProgressBar", Bar)
    monkeypatch.setattr(study, "replace", lambda x, **how: trained.append(how) or fit(x, **how))
    assert studies.run(config(run.parent)) == run
    assert table(run) == whole
    assert sum("data_seed" in how for how in trained) == 4  # two copies of each missing pair
    assert bars == [(4, 4)]  # none for the first point, of which nothing is missing
    trained.clear()
    studies.run(config(run.parent))
    assert not trained
    assert len(bars) == 1


def test_tickets_of_other_rounds_are_not_measured_into_the_same_table(run):
    whole = table(run)
    with pytest.raises(LotteryError, match=r"2 pruning rounds.*Received: 3\. Choose another --out"):
        studies.run(config(run.parent, **{"prune.rounds": 3}))
    assert table(run) == whole


def test_the_line_between_equal_copies_is_flat_and_its_ends_are_the_copies(run):
    from keras_lottery.tasks import make_task

    task = make_task(config(run.parent))
    one, other = task.start_weights(0), task.start_weights(1)
    flat = list(study.between(task, one, one, {}, 4))
    assert {row["test_error"] for row in flat} == {flat[0]["test_error"]}
    assert barrier(np.array([row["test_error"] for row in flat])) == 0
    line = list(study.between(task, one, other, {}, 3))
    assert [row["alpha"] for row in line] == [0, 0.5, 1]
    for row, weights in ((line[0], other), (line[2], one)):
        found = task.evaluate_averaged(Start(weights))
        assert row["test_error"] == 1 - found["test_accuracy"]
        assert row["train_error"] == 1 - found["train_accuracy"]


def test_the_barrier_is_the_height_over_the_mean_of_the_ends():
    assert barrier(np.array([0.1, 0.5, 0.3])) == pytest.approx(0.3)
    rows = [
        PathRow("0it", "dense", seed, "0-1", 0, 1.0, alpha, error, 0.0)
        for seed, errors in ((0, (0.1, 0.5, 0.3)), (1, (0.1, 0.1, 0.1)))
        for alpha, error in zip((0.0, 0.5, 1.0), errors, strict=True)
    ]
    (line,) = lines(rows)
    assert line.barriers["test"] == {0: pytest.approx(0.3), 1: 0.0}
    assert line.errors["test"][0].tolist() == [0.1, 0.5, 0.3]


def test_the_page_says_what_was_measured(run):
    built = report.build(run)
    assert {file.name for file in built.figures} == {"instability.png", "path.png"}
    assert [text.split()[0] for text in built.headline] == ["`dense`", "`winning`"]
    assert "stable" in built.headline[0]
    with pytest.raises(LotteryError, match="measured pair"):
        (run / FILE).rename(run / "away.csv")
        try:
            report.build(run)
        finally:
            (run / "away.csv").rename(run / FILE)


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("points", (), "points: expected 1 or more different"),
        ("points", ("soon",), "points: .*soon"),
        ("subjects", ("dense", "loser"), "subjects: expected one of dense, winning"),
        ("orders", 1, "orders: expected at least 2"),
        ("alphas", 2, "alphas: expected at least 3"),
    ],
)
def test_bad_options_are_named(field, value, words, tmp_path):
    with pytest.raises(LotteryError, match=words):
        config(tmp_path, **{f"options.{field}": value})


def test_a_point_past_the_end_and_a_task_without_accuracy_are_errors(tmp_path):
    with pytest.raises(LotteryError, match=r"before the end.*40it"):
        studies.run(config(tmp_path, **{"options.points": ("0it", "40it")}))
    assert not list(tmp_path.rglob("results.csv"))  # nothing was trained from the first point
    with pytest.raises(LotteryError, match=r"accuracy.*perplexity"):
        study._check(type("Task", (), {"metric": "perplexity", "name": "text"})())


def test_no_copy_shares_its_order_with_another():
    seeds = {study.data_seed(seed, order) for seed in range(3) for order in range(3)}
    assert len(seeds) == 9 and not seeds & {0, 1, 2}


def test_the_experiment_of_a_point_is_rewound_to_it(tmp_path):
    found = study.at(config(tmp_path), "20it")
    assert (found.study, found.rewind.to, found.arms) == ("tickets", "20it", ("winning",))
    dense = study.at(config(tmp_path, **{"options.subjects": ("dense",)}), "20it")
    assert dense.arms == () and configs.digest(dense) == configs.digest(found)


@pytest.mark.parametrize("name", ["small_cnn_digits", "resnet8_cifar10"])
def test_the_experiment_of_a_preset_with_claims_is_one_that_can_run(name):
    preset = presets.frozen(f"frankle2020/instability:{name}", {"backend": "tensorflow"})
    assert preset.claims
    for point in preset.options.points:
        check(study.at(preset, point))
