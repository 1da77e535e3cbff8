"""The study on the digits: rows, resuming, and a control that freezes as many."""

from dataclasses import replace

import numpy as np
import pytest

from keras_lottery import config as configs
from keras_lottery import report, studies
from keras_lottery.config import presets
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_rows
from keras_lottery.studies.equilibrium import run as study
from keras_lottery.studies.equilibrium.rows import (
    COUNTS,
    EPOCHS,
    TRAININGS,
    CountRow,
    EpochRow,
    TrainingRow,
)

FIELDS = {
    "seeds": [0],
    "train.length": "5ep",
    "train.batch_size": 150,
    "model.name": "lenet",
    "model.hidden": (6,),
    "optimizer.schedule": "constant",
    "optimizer.boundaries": (),
    "optimizer.learning_rate": 0.01,
    "options.epsilon": 0.05,
    "options.examples": 20,
    "options.exclude": (),  # the network has dense layers alone
}


def config(out, **fields):
    import keras

    loaded = presets.load(
        "bragagnolo2022/equilibrium:small_cnn_digits", FIELDS | {"out": str(out)} | fields
    )
    loaded["backend"] = keras.config.backend()
    return configs.freeze(loaded)


def tables(run):
    trainings = [
        replace(row, seconds=0.0, epoch_seconds=0.0, choosing_seconds=0.0)
        for row in read_rows(run / TRAININGS, TrainingRow)
    ]
    epochs = [replace(r, similarity=round(r.similarity, 12) if r.similarity == r.similarity else 2)
              for r in read_rows(run / EPOCHS, EpochRow)]  # fmt: skip
    return trainings, epochs, read_rows(run / COUNTS, CountRow)


@pytest.mark.backend
def test_a_run_trains_every_arm_and_the_control_freezes_as_many(tmp_path):
    run = studies.run(config(tmp_path))
    trainings, epochs, counts = tables(run)
    expected = [(0, a) for a in ("full", "equilibrium", "random")]
    assert [(row.seed, row.arm) for row in trainings] == expected
    assert len(epochs) == 3 * 5
    assert len(counts) == 5 * 2  # epochs, dense layers
    by_arm = {a: [r.frozen for r in epochs if (r.seed, r.arm) == (0, a)]
              for a in ("full", "equilibrium", "random")}  # fmt: skip
    assert by_arm["full"] == [0] * 5
    assert by_arm["equilibrium"] == by_arm["random"]
    assert by_arm["equilibrium"][:2] == [0, 0]
    assert max(by_arm["equilibrium"]) > 0
    full = 2 * 2 * (64 * 6 + 6 * 10)
    assert {row.full_flops for row in trainings} == {full}
    flops = {row.arm: row.backprop_flops for row in trainings if row.seed == 0}
    assert flops["equilibrium"] == flops["random"] < flops["full"] == full
    shares = [row.frozen / 16 for row in epochs if (row.seed, row.arm) == (0, "equilibrium")]
    assert np.isclose(sum(shares) * 16 * 16, sum(c.frozen for c in counts if c.seed == 0))
    page = report.build(run)
    assert "equilibrium − random" in page.headline[2]


def test_a_killed_run_resumes_to_the_same_tables(tmp_path, monkeypatch):
    whole = tables(studies.run(config(tmp_path / "whole")))
    plain, calls = study.train, []

    def killed(*arguments):
        calls.append(arguments[2:4])
        if len(calls) == 3:
            raise KeyboardInterrupt
        return plain(*arguments)

    monkeypatch.setattr(study, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        studies.run(config(tmp_path / "killed"))
    root = next((tmp_path / "killed").iterdir())
    # A kill between the files of one training leaves rows without their mark.
    left = (root / EPOCHS).read_text()
    (root / EPOCHS).write_text(left + left.splitlines()[-1].replace("equilibrium", "random") + "\n")
    run = studies.run(config(tmp_path / "killed"))
    assert tables(run) == whole
    assert calls[2:] == [(0, "random"), (0, "random")]


@pytest.mark.parametrize(
    "fields, words",
    [
        ({"options.epsilon": 0.0}, "epsilon: expected a number above 0"),
        ({"options.mu": 0.7}, r"mu: expected at least 0 and at most 0\.5"),
        ({"options.examples": 0}, "examples: expected at least 1"),
        ({"options.arms": ("ful",)}, "arms: expected one of full, equilibrium, random"),
        ({"options.arms": ("full", "random")}, "arms: expected equilibrium together with random"),
    ],
)
def test_options_that_do_not_fit_are_one_line(tmp_path, fields, words):
    with pytest.raises(LotteryError, match=words) as error:
        config(tmp_path, **fields)
    assert "\n" not in str(error.value)


def test_too_few_images_and_several_devices_are_errors(tmp_path):
    with pytest.raises(LotteryError, match="at least 300 validation images"):
        studies.run(config(tmp_path, **{"options.examples": 300}))
    with pytest.raises(LotteryError, match=r"'equilibrium', which trains one.*processes"):
        studies.run(config(tmp_path, executor="processes"))
    with pytest.raises(LotteryError, match="distribution 'none'"):
        study._checked(config(tmp_path, distribution="mirrored"), _Named())


class _Named:
    name = "other"


def test_a_run_without_trainings_has_no_page(tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.json").write_text(
        '{"config": {"study": "equilibrium", "name": "x"}, "higher_is_better": true}'
    )
    with pytest.raises(LotteryError, match="at least one finished training"):
        report.build(run)
