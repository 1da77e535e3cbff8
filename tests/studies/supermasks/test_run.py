"""Masks of a trained network over its untrained weights, never trained."""

import dataclasses

import numpy as np
import pytest

from keras_lottery import config as configs
from keras_lottery import report, studies
from keras_lottery.config import presets
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_results
from keras_lottery.studies.supermasks import run as supermasks
from keras_lottery.studies.supermasks.rows import CHOSEN, LEVELS
from keras_lottery.tasks import make_task
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.tickets import Ticket, load_state
from keras_lottery.types import Start, Training

SMALL = {
    "study": "supermasks",
    "seeds": [0],
    "arms": (),
    "train.length": "60it",
    "train.eval_every": 30,
    "prune.rate": 0.4,
    "prune.scope": "layer",
    "prune.rates.output": 0.2,
    "model.hidden": (20, 10),
    "options.criteria": ("large_final_same_sign", "random"),
    "options.levels": 3,
}
DENSE = Training("", "vision", 0, 0, "dense")


def config(out, **fields):
    import keras

    small = SMALL | {"out": str(out), "backend": keras.config.backend()}
    loaded = presets.load("quickstart", small | fields)
    del loaded.prune.rounds  # the study defines its own levels
    return configs.freeze(loaded)


def rows(run, name):
    """The rows of a table, times aside."""
    return [dataclasses.replace(row, seconds=0.0) for row in read_results(run / name)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    settings = config(tmp_path_factory.mktemp("whole"))
    return settings, studies.run(settings)


def test_every_criterion_is_measured_at_every_level_over_both_weights(whole):
    _, run = whole
    found = rows(run, LEVELS)
    assert {(row.arm, row.round) for row in found} == {
        (f"{criterion}/{weights}", level)
        for criterion in ("large_final_same_sign", "random")
        for weights in ("init", "signed_constant")
        for level in range(3)
    }
    assert len(found) == 12
    kept = {row.round: row.kept for row in found}
    first = 64 * 20 + 20 * 10
    assert kept[0] == first + 100
    assert kept[1] == first - (512 + 80) + 80
    assert kept[2] == (768 - 307) + (120 - 48) + 64
    assert {row.arm for row in read_results(run / "results.csv")} == {"dense"}


def test_a_value_is_that_of_the_mask_over_weights_that_were_never_trained(whole):
    settings, run = whole
    sweep_paths = supermasks.RunPaths(run)
    task = make_task(settings)
    initial = Ticket.load(sweep_paths.ticket(DENSE)).start
    final = load_state(sweep_paths.trained(DENSE))
    path = "layers/dense/kernel"
    sweep = supermasks.Sweep(settings, task, sweep_paths, 0)
    masks = sweep._masks("large_final_same_sign", 2)
    same = np.sign(initial[path]) == np.sign(final[path])
    assert same[masks[path]].mean() > same.mean()
    row = next(
        r for r in rows(run, LEVELS) if (r.arm, r.round) == ("large_final_same_sign/init", 2)
    )
    assert row.value == task.evaluate(Start(initial, masks), "validation")["accuracy"]
    constant = sweep._weights["signed_constant"][path]
    assert np.unique(np.abs(constant)).tolist() == [initial[path].std()]
    assert (np.sign(constant) == np.sign(initial[path])).all()


def test_the_level_is_chosen_on_held_out_images_and_measured_on_the_test_set(whole):
    settings, run = whole
    task = make_task(settings)
    sweep = supermasks.Sweep(settings, task, supermasks.RunPaths(run), 0)
    chosen = rows(run, CHOSEN)
    assert len(chosen) == 4
    for row in chosen:
        held_out = {r.round: r.value for r in rows(run, LEVELS) if r.arm == row.arm}
        assert row.best_value == held_out[row.round] == max(held_out.values())
        criterion, _, weights = row.arm.partition("/")
        masks = sweep._masks(criterion, row.round)
        assert row.value == sweep._value(weights, masks, "test")[0]


def test_a_killed_study_resumes_to_the_same_tables_and_measures_nothing_twice(
    whole, tmp_path, monkeypatch
):
    _, run = whole
    settings = config(tmp_path)
    plain, calls = VisionTask.evaluate, []

    def killed(self, *arguments):
        if len(calls) == 7:
            raise KeyboardInterrupt
        calls.append(arguments)
        return plain(self, *arguments)

    monkeypatch.setattr(VisionTask, "evaluate", killed)
    with pytest.raises(KeyboardInterrupt):
        studies.run(settings)
    count = []
    monkeypatch.setattr(VisionTask, "evaluate", lambda *a: count.append(1) or plain(*a))
    other = studies.run(settings)
    assert len(calls) + len(count) == 12 + 4
    assert rows(other, LEVELS) == rows(run, LEVELS) and rows(other, CHOSEN) == rows(run, CHOSEN)
    studies.run(settings)
    assert len(calls) + len(count) == 16


def test_part_of_the_held_out_images_can_choose(whole, tmp_path):
    settings, _ = whole
    task = make_task(settings)
    start = Start(task.start_weights(0))
    few = task.evaluate(start, "validation", 10)["accuracy"]
    assert few * 10 == pytest.approx(round(few * 10))
    with pytest.raises(
        LotteryError, match=r"the split `test` or `train`, or `validation`.* Received: 'tset'"
    ):
        task.evaluate(start, "tset")


def test_the_page_names_the_best_mask_and_compares_the_weights(whole):
    _, run = whole
    files = report.build(run)
    best = max(read_results(run / CHOSEN), key=lambda row: row.best_value)
    assert f"`{best.arm.partition('/')[0]}` over" in files.headline[0]
    assert "more accurate than `large_final_same_sign` over initial weights" in files.headline[1]
    assert [f.name for f in files.figures] == ["supermasks.png"]
    assert "Every level over signed constants" in files.markdown.read_text()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"options.criteria": ()}, r"options\.criteria: expected 1 or more"),
        ({"options.criteria": ("snip",)}, r"'snip', which needs gradients"),
        ({"options.criteria": ("magnitud",)}, r"Did you mean 'magnitude'"),
        ({"options.weights": ("ones",)}, r"options\.weights: expected one of init, signed"),
        ({"options.levels": 0}, r"options\.levels: expected at least 1"),
        ({"options.validation_examples": -1}, r"options\.validation_examples: expected at least 0"),
        ({"data.validation_size": 0, "train.value": "final"}, r"Hold data out"),
    ],
)
def test_bad_options_are_named(tmp_path, fields, message):
    with pytest.raises(LotteryError, match=message):
        studies.run(config(tmp_path, **fields))


def test_a_page_of_nothing_says_so(whole, tmp_path):
    _, run = whole
    (tmp_path / "config.json").write_bytes((run / "config.json").read_bytes())
    with pytest.raises(LotteryError, match="at least one measured criterion"):
        report.build(tmp_path)
