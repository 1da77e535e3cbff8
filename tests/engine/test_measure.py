"""The estimated time of a training, from the times of two short ones."""

from types import SimpleNamespace

import pytest

from keras_lottery.engine import measure
from keras_lottery.tasks.supervised import NetworkTask
from tests.engine import small


class Timed(NetworkTask):
    """A task whose step takes `step` seconds, and whose evaluation takes `evaluation`."""

    def __init__(self, step, evaluation):
        self.step, self.evaluation, self.trained = step, evaluation, []

    def steps(self, duration):
        return int(duration.removesuffix("it"))

    def start_weights(self, seed):
        return {}

    def fit(self, training, start, progress):
        steps = measure.MANY - start.step
        self.trained.append(steps)
        return SimpleNamespace(
            seconds=steps * self.step + self.evaluation, compile_seconds=1e9, steps=steps
        )

    arrays = loss = metrics = build = data = None


@pytest.mark.parametrize(
    ("step", "evaluation", "expected", "trained"),
    [
        (0.01, 0.5, 1000 * 0.01 + 10 * 0.5, [2, 76]),
        (0.001, 0.0, 1.0, [2, 100]),
        (60.0, 0.0, 60_000.0, [2]),  # a slow network is not trained for long to say so
    ],
)
def test_steps_and_evaluations_are_counted_apart(
    monkeypatch, tmp_path, step, evaluation, expected, trained
):
    task = Timed(step, evaluation)
    monkeypatch.setattr(measure, "make_task", lambda config: task)
    config = small.config(tmp_path, train__length="1000it", train__eval_every=100)
    assert measure.seconds_of_training(config) == pytest.approx(expected, abs=1e-6)
    assert task.trained == trained
