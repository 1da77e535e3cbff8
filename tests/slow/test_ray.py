"""A Ray cluster of several nodes on this machine: nodes die, and so does the driver."""

import os
import random
import subprocess
import time
from contextlib import suppress

import pytest
from ray.cluster_utils import Cluster

from keras_lottery import user_modules
from keras_lottery.engine.executors.ray import Ray
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from tests.engine.executors.test_equal import command, files_of, run
from tests.engine.executors.test_processes import ODD_TASK, job
from tests.engine.small import odd_config

pytestmark = pytest.mark.tensorflow  # whose sums depend on the number of threads

KILLS = 10


@pytest.fixture(scope="module")
def cluster():
    """A head and another node, with one core each."""
    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)
    yield nodes
    nodes.shutdown()


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The rows and tensors of one training at a time."""
    return run(tmp_path_factory.mktemp("a"), "--executor=sequential", "--threads=1")[:2]


def drive(cluster, out):
    """Starts the experiment in a separate process."""
    flags = (f"--ray={cluster.address}", "--workers=2")
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    return subprocess.Popen(command(out, *flags), env=environment)


def test_nodes_that_die_cost_nothing(tmp_path, cluster, expected):
    rng, killed, runs = random.Random(0), 0, 0
    while killed < KILLS:  # start a new run whenever one has finished
        out, runs = tmp_path / f"b{runs}", runs + 1
        driver = drive(cluster, out)
        while killed < KILLS and driver.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                driver.wait(rng.uniform(5.0, 20.0))
                break
            (node,) = cluster.worker_nodes
            cluster.remove_node(node, allow_graceful=False)
            killed += 1
            cluster.add_node(num_cpus=1)
        assert driver.wait() == 0
        assert files_of(out) == expected


def test_a_driver_that_is_killed_resumes(tmp_path, cluster, expected):
    driver = drive(cluster, tmp_path)
    while driver.poll() is None and not list(tmp_path.glob("*/seed_*/round_01/*.ticket.*")):
        time.sleep(0.1)
    driver.kill()
    assert driver.wait() != 0  # it had not finished
    assert 0 < len(files_of(tmp_path)[0]) < len(expected[0])
    assert drive(cluster, tmp_path).wait() == 0
    assert files_of(tmp_path) == expected


@pytest.mark.filterwarnings("ignore:.* is odd", "ignore:Waiting for an actor")
def test_a_training_that_kills_every_actor_stops_the_run(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(user_modules, "_flags", {})
    user_modules.import_named(str(ODD_TASK))
    settings = odd_config(tmp_path, executor="ray", ray=cluster.address, workers=2)
    jobs = [job("a"), job("killed_once"), job("killed")]
    results = Ray(settings, None, NoProgress()).run(lambda: jobs.pop(0) if jobs else None)
    trained = []
    with pytest.raises(
        LotteryError, match=r"finish seed 0, round 1, killed\. .*3 crashes, the last"
    ):
        trained.extend(training.arm for training, _ in results)
    assert sorted(trained) == ["a", "killed_once"]
