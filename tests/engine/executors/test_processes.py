"""Worker processes: results, warnings and errors come back, and a killed one costs nothing."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_lottery import user_modules
from keras_lottery.engine.executors import parallel
from keras_lottery.engine.executors.pool import Pool, pool
from keras_lottery.engine.executors.processes import Processes
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from keras_lottery.types import Start, Training
from tests.engine.small import odd_config

ODD_TASK = Path(__file__).with_name("odd_task.py")

pytestmark = pytest.mark.filterwarnings("ignore:.* is odd")


@pytest.fixture(scope="module", autouse=True)
def _modules():
    """Names the task's module, as --import does; ends the workers after the last test."""
    user_modules.import_named(str(ODD_TASK))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "jax")  # the quickest to import; nothing is computed
        yield
    pool.close()
    user_modules._flags.pop(ODD_TASK.stem)


def executor(folder, progress=None):
    """Returns the executor of odd trainings."""
    settings = odd_config(folder, executor="processes", workers=2)
    return Processes(settings, None, progress or NoProgress())


def job(arm):
    return Training("", "odd", 0, 1, arm), Start({"w": np.arange(3.0)})


def trained(folder, *arms, progress=None):
    """Returns the results of odd trainings by arm."""
    jobs = [job(arm) for arm in reversed(arms)]
    results = executor(folder, progress).run(lambda: jobs.pop() if jobs else None)
    return {training.arm: result for training, result in results}


def test_each_worker_trains_on_its_own_core(tmp_path):
    with pytest.warns(UserWarning, match="c is odd"):
        results = trained(tmp_path, "a", "b", "c")
    assert set(results) == {"a", "b", "c"}
    assert all(np.array_equal(result.weights["w"], np.arange(3.0)) for result in results.values())
    assert {result.metrics["cores"] for result in results.values()} == {1}
    assert os.getpid() not in {result.metrics["pid"] for result in results.values()}


def test_workers_outlive_a_run(tmp_path):
    first, second = trained(tmp_path, "a", "b"), trained(tmp_path, "a", "b")
    pids = [{result.metrics["pid"] for result in results.values()} for results in (first, second)]
    assert pids[1] <= {worker._process.pid for worker in pool._idle} and pids[0] & pids[1]


def test_workers_of_two_runs_never_share_a_core(monkeypatch):
    class Idle:
        prepare = stop = staticmethod(lambda *_: None)
        is_alive = staticmethod(lambda: True)

        def __init__(self, slot, threads, gpu):
            self.slot, self.threads = slot, threads

    monkeypatch.setattr(sys.modules[Pool.__module__], "Worker", Idle)
    some = Pool()
    first, second = some.take(2, 1, None)
    some.release([second])  # the first one has ended
    again = some.take(2, 1, None)
    assert [worker.slot for worker in again] == [0, 1] and again[1] is second
    assert first not in again


def test_a_killed_worker_costs_only_its_training(tmp_path):
    assert set(trained(tmp_path, "a", "killed_once", "b")) == {"a", "killed_once", "b"}


def test_a_training_that_kills_every_worker_stops_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "ATTEMPTS", 2)
    with pytest.raises(LotteryError, match=r"finish seed 0, round 1, killed.*2 crashes, the last"):
        trained(tmp_path, "killed", "a")
    assert set(trained(tmp_path, "b")) == {"b"}


def test_errors_come_back(tmp_path):
    with pytest.raises(LotteryError, match=r"^Expected patience\. Received: none\.$"):
        trained(tmp_path, "refused")
    with pytest.raises(RuntimeError, match=r"seed 0, round 1, failed failed(.|\n)*KeyError"):
        trained(tmp_path, "failed")
    with pytest.raises(RuntimeError, match=r"unsendable failed(.|\n)*pickle"):
        trained(tmp_path, "unsendable")


def test_a_task_that_could_not_be_built_is_built_again(tmp_path):
    (tmp_path / "no_data").touch()
    with pytest.raises(LotteryError, match="Expected data"):
        trained(tmp_path, "a")
    (tmp_path / "no_data").unlink()
    assert set(trained(tmp_path, "a")) == {"a"}


def test_results_of_a_run_that_was_broken_off_reach_no_other_run(tmp_path):
    first = executor(tmp_path)
    jobs = [job(arm) for arm in "abc"]
    results = first.run(lambda: jobs.pop() if jobs else None)
    next(results)
    results.close()  # as by an error while the result is stored; another training is going on
    assert set(trained(tmp_path, "d", "e")) == {"d", "e"}


class Noted(NoProgress):
    """Notes the progress of trainings."""

    def __init__(self):
        self.steps = []

    def update(self, step, of, loss):
        self.steps.append((step, of, loss))


def test_progress_comes_back(tmp_path):
    noted = Noted()
    trained(tmp_path, "a", "b", progress=noted)
    assert noted.steps == [(1, 2, 0.5)] * 2


def test_a_worker_without_its_backend_says_so(tmp_path, monkeypatch):
    pool.close()  # what follows needs new processes
    (tmp_path / "jax.py").write_text("raise ImportError('libjax.so is not there')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with pytest.raises(LotteryError, match=r"import the jax backend.*libjax\.so is not there\. "):
        trained(tmp_path, "a")
    pool.close()
