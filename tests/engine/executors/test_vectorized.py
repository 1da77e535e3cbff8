"""Trainings of one program: equal to one at a time, grouped by shape, refused where impossible."""

import csv

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_lottery import backend, engine
from keras_lottery.engine.executors.choice import choose
from keras_lottery.engine.executors.vectorized import Vectorized, vectorized_task
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.supervised import NetworkTask
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.types import Start, Training, TrainingResult
from tests.engine.made import MadeTask, made
from tests.engine.small import config


def of(number, step=0):
    return Training("", "vision", number, 0, "dense"), Start({}, step=step)


class Together:
    """A task of which each call trains a list of networks; at most three fit into memory."""

    name = "vision"

    def __init__(self):
        self.trained = []

    def why_separate(self):
        return ""

    def program_of(self, training, start):
        return start.step

    def most_together(self, job, count):
        return min(count, 3)

    def fit_many(self, jobs, progress):
        self.trained.append([training.seed for training, _ in jobs])
        losses = [{"loss": np.nan if training.seed == 5 else 0.5} for training, _ in jobs]
        return [TrainingResult({}, None, 1, 0.0, 0.0, test, test, 1) for test in losses]


@pytest.fixture
def _on_jax(monkeypatch):
    monkeypatch.setattr(backend, "name", lambda: "jax")


@pytest.mark.usefixtures("_on_jax")
@pytest.mark.parametrize(
    ("workers", "expected"),
    [(None, [[0, 2, 3], [1, 5], [4]]), (2, [[0, 2], [1, 5], [3, 4]])],
)
def test_what_is_ready_and_shares_a_program_is_trained_together(tmp_path, workers, expected):
    task = Together()
    settings = config(tmp_path, executor="vectorized", workers=workers)
    ready = iter([of(0), of(1, step=10), of(2), of(3), of(4), None, of(5, step=10)])
    with pytest.warns(UserWarning, match="Seed 5, round 0, dense diverged"):
        ended = list(Vectorized(settings, task, NoProgress()).run(lambda: next(ready, None)))
    assert task.trained == expected
    assert {training.seed: result.status for training, result in ended} == {
        **dict.fromkeys(range(5), "finished"),
        5: "diverged",
    }


def test_tasks_and_backends_without_such_programs_are_refused(tmp_path, monkeypatch):
    with pytest.raises(LotteryError, match="'vision', which takes steps that are not a pure"):
        vectorized_task(MadeTask())
    settings = config(tmp_path / "a", executor="vectorized")
    monkeypatch.setattr(backend, "name", lambda: "torch")
    with pytest.raises(LotteryError, match=r"Received: torch\. Add --backend=jax"):
        vectorized_task(Together())

    class Decoding(VisionTask):
        def fit(self, training, start, progress):
            return NetworkTask.fit(self, training, start, progress)

    with pytest.raises(LotteryError, match="has a training method of its own"):
        vectorized_task(Decoding(settings))


@pytest.mark.parametrize("executor", ["sequential", "vectorized"])
def test_a_run_is_continued_as_it_was_begun(tmp_path, executor):
    made(tmp_path, rounds=1, executor=executor)
    other = {"sequential": "vectorized", "vectorized": "sequential"}[executor]
    with pytest.raises(LotteryError, match=f"was started with, {executor}, since"):
        made(tmp_path, rounds=1, executor=other)
    settings = config(tmp_path, seeds=[0, 1], arms=["winning"], prune__rounds=1)
    chosen = choose(settings).config.executor
    assert (chosen == "vectorized") == (executor == "vectorized")


@pytest.mark.skipif(keras.config.backend() != "jax", reason="vmap")
def test_arms_and_seeds_that_are_ready_are_one_program_and_end_as_one_at_a_time(
    tmp_path, monkeypatch
):
    fields = {"seeds": [0, 1], "arms": ["winning", "random_mask"], "train__length": "16it"}
    fields |= {"train__eval_every": 8, "rewind__to": "4it"}
    together, fit_many = [], VisionTask.fit_many

    def recorded(self, jobs, progress):
        together.append(sorted((t.round, t.arm) for t, _ in jobs))
        if len(together) == 3:
            raise KeyboardInterrupt
        return fit_many(self, jobs, progress)

    monkeypatch.setattr(VisionTask, "fit_many", recorded)
    settings = config(tmp_path / "a", executor="vectorized", **fields)
    with pytest.raises(KeyboardInterrupt):
        engine.run(settings)
    first = engine.run(settings)  # resumes
    lost = [(1, "random_mask")] * 2 + [(2, "winning")] * 2
    assert together == [
        [(0, "dense")] * 2, [(1, "winning")] * 2, lost, lost, [(2, "random_mask")] * 2
    ]  # fmt: skip
    second = engine.run(config(tmp_path / "b", executor="sequential", **fields))
    files = sorted(file.relative_to(first) for file in first.rglob("*.safetensors"))
    assert files == sorted(file.relative_to(second) for file in second.rglob("*.safetensors"))
    for file in files:
        one, other = load_file(first / file), load_file(second / file)
        assert one.keys() == other.keys()
        for name, value in one.items():
            np.testing.assert_allclose(value, other[name], rtol=1e-4, atol=1e-6)
    for row, other in zip(rows(first), rows(second), strict=True):
        np.testing.assert_allclose(float(row.pop("value")), float(other.pop("value")), atol=1e-3)
        for key in ("seed", "round", "arm", "kept", "steps", "best_step", "status"):
            assert row[key] == other[key]


def rows(folder):
    with (folder / "results.csv").open() as file:
        return sorted(csv.DictReader(file), key=lambda row: (row["seed"], row["round"], row["arm"]))
