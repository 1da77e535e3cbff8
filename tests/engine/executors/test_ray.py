"""What actors answer, what fits on a cluster, and addresses without one; no cluster is started."""

import os
import pickle
import socket
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from keras_lottery import user_modules
from keras_lottery.engine.executors import ray_cluster as cluster
from keras_lottery.engine.executors.ray import Actor
from keras_lottery.engine.executors.serving import Kind
from keras_lottery.errors import LotteryError
from keras_lottery.types import Start, Training
from tests.engine.small import config, odd_config

ODD_TASK = Path(__file__).with_name("odd_task.py")


@pytest.fixture
def actor(tmp_path):
    """An actor of odd trainings, in this process."""
    settings = odd_config(tmp_path, executor="ray")
    user_modules.import_named(str(ODD_TASK))  # which registers the task
    yield Actor(pickle.dumps(settings), (str(ODD_TASK),), os.getcwd())
    user_modules._flags.pop(ODD_TASK.stem)


def answers(actor, arm):
    job = Training("", "odd", 0, 1, arm), Start({"w": np.arange(3.0)})
    return [pickle.loads(message) for message in actor.train(pickle.dumps(job))]


def test_an_actor_answers_with_progress_and_a_result(actor):
    progress, result = answers(actor, "a")
    assert (progress.kind, progress.body) == (Kind.PROGRESS, (1, 2, 0.5))
    assert result.warnings == ((UserWarning, "a is odd"),)
    weights = result.body.weights["w"]
    assert np.array_equal(weights, np.arange(3.0)) and weights.flags.writeable


def test_an_actor_answers_with_errors_and_trains_on(actor):
    assert answers(actor, "refused")[-1].body == "Expected patience. Received: none."
    assert "KeyError" in answers(actor, "failed")[-1].body
    assert answers(actor, "unsendable")[-1].kind is Kind.FAILED
    with pytest.raises(SystemExit):
        answers(actor, "exits")
    assert answers(actor, "b")[-1].kind is Kind.RESULT


@pytest.mark.parametrize(
    ("node", "need", "fitting"),
    [
        ({"CPU": 8}, {"CPU": 2}, 4),
        ({"CPU": 8, "GPU": 2}, {"CPU": 1, "GPU": 1}, 2),
        ({"CPU": 8, "GPU": 0.3}, {"CPU": 1, "GPU": 0.1}, 3),
        ({"CPU": 8}, {"CPU": 1, "GPU": 1}, 0),
        ({"CPU": 8}, {"CPU": 1, "GPU": 0}, 8),
    ],
)
def test_as_many_trainings_as_fit_on_a_node(node, need, fitting):
    assert cluster.trainings_on(node, need) == fitting


def test_a_training_takes_an_accelerator_where_there_is_one():
    settings = config("out", executor="ray", threads=2)
    assert cluster.needed(settings, [{"CPU": 8}]) == {"CPU": 2}
    assert cluster.needed(settings, [{"CPU": 8}, {"GPU": 4}]) == {"CPU": 2, "GPU": 1}
    assert cluster.needed(settings, [{"TPU": 8}]) == {"CPU": 2, "TPU": 1}
    half = config("out", executor="ray", resources={"GPU": 0.5})
    assert cluster.needed(half, [{"GPU": 4}]) == {"CPU": 1, "GPU": 0.5}


def test_actors_get_the_threads_and_flags_of_the_run(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setenv("XLA_FLAGS", "--xla_flag")
    settings = config("out", executor="ray", threads=1)
    options = cluster.actor_options(settings, {"CPU": 1, "GPU": 0.5, "TPU": 0, "rack": 1})
    assert (options["num_cpus"], options["num_gpus"], options["resources"]) == (1, 0.5, {"rack": 1})
    sent = options["runtime_env"]["env_vars"]
    assert sent["KERAS_BACKEND"] == "jax" and sent["OMP_NUM_THREADS"] == "1"
    assert sent["XLA_FLAGS"].split() == ["--xla_flag", "--xla_cpu_multi_thread_eigen=false"]


@contextmanager
def listening(reply):
    """Yields the address of a server that answers every client."""

    def answer():
        with suppress(OSError):  # the server is closed
            while True:
                client, _ = server.accept()
                client.recv(64)
                client.sendall(reply)
                client.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        Thread(target=answer, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_an_address_of_another_server_is_refused():
    with listening(b"HTTP/1.0 505") as address, pytest.raises(LotteryError, match="is not Ray"):
        cluster.connect(address)


def test_an_address_without_a_cluster_is_refused():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # not listening
        port = unused.getsockname()[1]
        with pytest.raises(LotteryError, match=rf"Received: --ray=127\.0\.0\.1:{port}: "):
            cluster.connect(f"127.0.0.1:{port}")


def test_a_training_that_fits_on_no_node_is_refused_unless_nodes_may_start(monkeypatch):
    nodes = [{"Alive": True, "Resources": {"CPU": 2}}, {"Alive": False, "Resources": {"CPU": 8}}]
    monkeypatch.setattr("ray.nodes", lambda: nodes)
    assert cluster.capacity(config("out", executor="ray"))[0] == 2
    with pytest.raises(LotteryError, match=r"a node with 4 CPU.*Received: nodes with 2 CPU\."):
        cluster.capacity(config("out", executor="ray", threads=4))
    cluster.capacity(config("out", executor="ray", threads=4, workers=2))


@pytest.mark.parametrize("address", ["ray://head:10001", "head", "head:port", ":6379"])
def test_what_is_not_an_address_is_refused(address):
    with pytest.raises(LotteryError, match="HOST:PORT"):
        cluster.connect(address)


def test_without_ray_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(LotteryError, match=r"pip install '\.\[ray\]'"):
        cluster.connect("auto")


@pytest.mark.parametrize("runs", [True, False])
def test_auto_takes_the_cluster_of_this_machine_if_it_runs(tmp_path, monkeypatch, runs):
    started = []
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.init", lambda **options: started.append(options["address"]))
    with listening(bytes([0, 0, 6, 4]) if runs else b"") as address:
        (tmp_path / "ray").mkdir()
        (tmp_path / "ray" / "ray_current_cluster").write_text(f"{address}\n")
        assert cluster.connect("auto")
    assert started == [address if runs else "local"]
