"""The estimated time of a training, from the times of two short ones."""

from types import SimpleNamespace

import pytest

from keras_lottery.engine import measure
from keras_lottery.tasks.supervised import NetworkTask
from keras_lottery.types import Training
from tests.engine import small


class Timed(NetworkTask):
    """A task whose step takes `step` seconds, and whose evaluation takes `evaluation`."""

    def __init__(self, step, evaluation, clock):
        self.step, self.evaluation, self.trained, self.clock = step, evaluation, [], clock

    def steps(self, duration):
        return int(duration.removesuffix("it"))

    def fresh_weights(self, seed):
        return {}

    def variables(self):
        return []

    def fit(self, training, start, progress):
        steps = measure.MANY - start.step
        self.trained.append(steps)
        self.clock.seconds += 1000  # of compiling
        progress.update(start.step, measure.MANY, float("nan"))
        self.clock.seconds += steps * self.step + self.evaluation
        progress.update(measure.MANY, measure.MANY, 0.5)
        raise AssertionError("the final evaluation takes long")

    arrays = loss = metrics = build = data = None


@pytest.mark.parametrize(
    ("step", "evaluation", "expected", "trained"),
    [
        (0.01, 0.5, 1000 * 0.01 + 10 * 0.5, [2, 38]),
        (0.001, 0.0, 1.0, [2, 100]),
        (60.0, 0.0, 60_000.0, [2]),  # a slow network is not trained for long to say so
    ],
)
def test_steps_and_evaluations_are_counted_apart(
    monkeypatch, tmp_path, step, evaluation, expected, trained
):
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock.seconds)
    task = Timed(step, evaluation, clock)
    monkeypatch.setattr(measure, "make_task", lambda config: task)
    config = small.config(tmp_path, train__length="1000it", train__eval_every=100)
    assert measure.mean_seconds(config, []) == pytest.approx(expected, abs=1e-6)
    assert task.trained == trained


def test_a_learned_mask_is_as_long_as_its_section(monkeypatch, tmp_path):
    clock = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr(measure.time, "perf_counter", lambda: clock.seconds)
    monkeypatch.setattr(measure, "make_task", lambda config: Timed(0.01, 0.0, clock))
    config = small.config(
        tmp_path,
        arms=("winning", "supermask"),
        train__length="1000it",
        train__eval_every=100,
        supermask__length="4000it",
        supermask__eval_every=100,
    )
    dense, winning, mask = (
        Training("", "vision", 0, number, arm)
        for number, arm in enumerate(("dense", "winning", "supermask"))
    )
    seconds = measure.mean_seconds(config, [dense, winning, mask, mask])
    assert seconds == pytest.approx((10 + 10 + 40 + 40) / 4)
