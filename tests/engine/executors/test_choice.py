"""The choice of `--executor=auto`, and invalid numbers of workers and threads."""

import dataclasses

import pytest

from keras_lottery.engine.executors import choice
from keras_lottery.engine.executors.choice import choose
from keras_lottery.errors import LotteryError
from tests.engine.made import made
from tests.engine.small import config


@pytest.fixture(autouse=True)
def _machine(monkeypatch):
    """Four cores, memory for many workers, no GPU, and a process that has not imported Keras."""
    monkeypatch.setattr(choice, "cores", lambda: 4)
    monkeypatch.setattr(choice, "_that_fit", lambda: 100)
    monkeypatch.setattr(choice, "visible_gpus", list)
    monkeypatch.setattr(choice, "_is_imported", lambda: False)


@pytest.mark.parametrize(
    ("arms", "seeds", "workers"),
    [
        (["winning", "reinit"], [0], 2),  # the second round's ticket next to a control
        (["winning"], [0, 1, 2], 3),
        (["winning", "reinit"], [0, 1, 2], 4),  # as many as cores
    ],
)
def test_auto_takes_as_many_workers_as_trainings_are_ready(tmp_path, arms, seeds, workers):
    settings = config(tmp_path, arms=arms, seeds=seeds)
    chosen = choose(settings)
    assert (chosen.config.executor, chosen.config.threads) == ("processes", 1)
    assert chosen.config.workers == workers
    assert chosen.reason.startswith(f"{workers} trainings in parallel")


def test_auto_trains_one_at_a_time_where_each_needs_the_one_before(tmp_path):
    chosen = choose(config(tmp_path, arms=["winning"]))
    assert (chosen.config.executor, chosen.config.threads) == ("sequential", None)
    assert "each training needs the one before" in chosen.reason


def test_auto_gives_each_of_several_gpus_a_worker(tmp_path, monkeypatch):
    settings = config(tmp_path, seeds=[0, 1, 2])
    monkeypatch.setattr(choice, "visible_gpus", lambda: ["0", "1"])
    assert choose(settings).config.workers == 2
    monkeypatch.setattr(choice, "visible_gpus", lambda: ["0"])
    assert choose(settings).config.executor == "sequential"


def test_a_run_keeps_its_threads(tmp_path):
    made(tmp_path / "all", seeds=(0, 1))
    made(tmp_path / "one", seeds=(0, 1), threads=1)
    of_all = config(tmp_path / "all", seeds=[0, 1], arms=["winning"])
    assert choose(of_all).config.executor == "sequential"
    with pytest.raises(LotteryError, match="Expected --executor=sequential"):
        choose(dataclasses.replace(of_all, executor="processes"))
    of_one = config(tmp_path / "one", seeds=[0, 1], arms=["winning"], executor="sequential")
    assert choose(of_one).config.threads == 1
    with pytest.raises(LotteryError, match="Received: --threads=2"):
        choose(dataclasses.replace(of_one, threads=2))


def test_a_training_on_ray_has_one_thread_or_those_of_the_run(tmp_path):
    made(tmp_path / "two", seeds=(0, 1), threads=2)
    of_two = config(tmp_path / "two", seeds=[0, 1], arms=["winning"], executor="ray")
    assert choose(of_two).config.threads == 2
    assert choose(config(tmp_path, executor="ray")).config.threads == 1
    assert choose(config(tmp_path, executor="ray")).config.workers is None  # the cluster decides


@pytest.mark.parametrize("executor", ["processes", "ray", "vectorized"])
def test_more_workers_than_trainings_are_refused(tmp_path, executor):
    settings = config(tmp_path, arms=["winning"], executor=executor, workers=4)
    with pytest.raises(LotteryError, match=r"trainings, 3\. Received: 4"):
        choose(settings)


def test_one_program_for_a_study_with_its_own_order_is_refused(tmp_path):
    settings = dataclasses.replace(config(tmp_path, executor="vectorized"), study="supermasks")
    with pytest.raises(LotteryError, match=r"'supermasks'.*its own order\. Received: vectorized"):
        choose(settings)


@pytest.mark.parametrize("executor", ["processes", "ray"])
def test_workers_of_a_study_that_trains_by_itself_are_refused(tmp_path, executor):
    settings = dataclasses.replace(config(tmp_path, executor=executor), study="equilibrium")
    with pytest.raises(LotteryError, match=rf"'equilibrium'.*itself\. Received: {executor}"):
        choose(settings)


@pytest.mark.parametrize("executor", ["processes", "ray"])
def test_workers_of_a_distributed_run_are_refused(tmp_path, executor):
    settings = config(tmp_path, executor=executor, distribution="data_parallel")
    with pytest.raises(LotteryError, match="Received: data_parallel"):
        choose(settings)


@pytest.mark.parametrize("fields", [{"workers": 0}, {"threads": -1}, {"workers": 1.5}])
def test_impossible_numbers_are_refused(tmp_path, fields):
    with pytest.raises(LotteryError, match=next(iter(fields))):
        config(tmp_path, **fields)


def test_workers_have_no_effect_on_one_training_at_a_time(tmp_path):
    with pytest.raises(LotteryError, match="workers"):
        config(tmp_path, executor="sequential", workers=2)
