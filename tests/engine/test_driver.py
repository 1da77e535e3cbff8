"""The driver: which trainings an executor gets, with which starts, and when."""

import pytest

from keras_lottery.arms import arms
from keras_lottery.engine import driver
from keras_lottery.engine.driver import drive
from keras_lottery.engine.executors.sequential import Sequential
from keras_lottery.engine.executors.train_one import nothing
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import DivergedError
from keras_lottery.types import DIVERGED, FINISHED, Start
from tests.engine.test_graph import make

CONFIG = make(("winning", "reinit", "one_shot"), rounds=2, seeds=(0, 1), draws=2)


class Run:
    """Keeps results in memory."""

    def __init__(self):
        self.results = {}

    def done(self):
        return set(self.results)

    def write(self, training, start, result):
        assert training not in self.results
        self.results[training] = (start, result)

    def skip(self):
        return 0


class Recorded:
    """An arm that notes which results were there when it made a start."""

    def __init__(self, arm, made):
        self._arm, self._made = arm, made

    def __getattr__(self, name):
        return getattr(self._arm, name)

    def start(self, training, run):
        parents = self.parents(training)
        assert all(parent in run.results for parent in parents)
        self._made.append(training)
        return Start({}, seed=len(self._made), metrics={"parents": float(len(parents))})


@pytest.fixture
def made(monkeypatch):
    """The trainings whose start was made, in order."""
    found = []
    recorded = {name: Recorded(arms[name], found) for name in ("dense", *CONFIG.arms)}
    monkeypatch.setattr(driver, "arms", recorded)
    return found


class InPairs:
    """Takes up to two trainings at a time and finishes the second first."""

    def __init__(self):
        self.taken, self.widest = [], 0

    def run(self, take):
        flying = []
        while True:
            while len(flying) < 2 and (job := take()):
                flying.append(job)
                self.taken.append(job)
            if not flying:
                return
            self.widest = max(self.widest, len(flying))
            training, _ = flying.pop()
            yield training, nothing(FINISHED)


def test_a_training_in_flight_is_not_handed_out_again(made):
    run, executor = Run(), InPairs()
    drive(CONFIG, run, run, executor, NoProgress())
    taken = [training for training, _ in executor.taken]
    assert executor.widest == 2
    assert sorted(taken) == sorted(trainings(CONFIG)) == sorted(run.results)
    assert made == taken


def test_results_come_with_the_start_that_was_handed_out(made):
    run, executor = Run(), InPairs()
    drive(CONFIG, run, run, executor, NoProgress())
    for training, start in executor.taken:
        written, result = run.results[training]
        assert written is start
        assert result.metrics == {"parents": float(len(arms[training.arm].parents(training)))}


def test_a_start_that_cannot_be_made_is_recorded_and_the_others_go_on(made, monkeypatch):
    def fail(training, run):
        raise DivergedError("Expected finite weights. Received: NaN.")

    monkeypatch.setattr(driver.arms["one_shot"], "start", fail, raising=False)
    run, executor = Run(), InPairs()
    with pytest.warns(UserWarning, match="one_shot diverged: Expected finite weights"):
        drive(CONFIG, run, run, executor, NoProgress())
    status = {training: result.status for training, (_, result) in run.results.items()}
    assert sorted(status) == sorted(trainings(CONFIG))
    lost = {training for training, how in status.items() if how == DIVERGED}
    assert lost == {training for training in status if training.arm == "one_shot"}
    assert not lost & {training for training, _ in executor.taken}


@pytest.mark.parametrize(
    ("executor", "seeds"),
    [("sequential", [0, 0, 0, 1, 1, 1]), ("processes", [0, 1] * 3), ("ray", [0, 1] * 3)],
)
def test_seeds_take_turns_only_where_trainings_are_parallel(made, executor, seeds):
    class OneByOne:
        def run(self, take):
            while job := take():
                yield job[0], nothing(FINISHED)

    config = make(("winning", "reinit"), rounds=1, seeds=(0, 1))
    config.executor = executor
    drive(config, run := Run(), run, OneByOne(), NoProgress())
    assert [training.seed for training in made] == seeds


def test_the_sequential_executor_needs_only_the_start(made):
    class Task:
        @staticmethod
        def fit(training, start, progress):
            result = nothing(FINISHED)
            result.final = {"loss": float(start.seed)}
            return result

    run = Run()
    drive(CONFIG, run, run, Sequential(CONFIG, Task(), NoProgress()), NoProgress())
    assert list(run.results) == made
    assert [r.final_value for _, r in run.results.values()] == list(range(1, len(made) + 1))
