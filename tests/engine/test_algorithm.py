"""The engine finds the tickets that the papers' loop finds, bit for bit."""

import numpy as np
import pytest

from keras_lottery import engine
from keras_lottery.engine.algorithm import iterative_magnitude_pruning
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.tickets import Ticket, load_state
from keras_lottery.types import Training
from tests.engine.small import config

pytestmark = pytest.mark.backend


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_the_engine_equals_the_algorithm(tmp_path):
    settings = config(tmp_path, arms=["winning"])
    paths = RunPaths(engine.run(settings))
    found = list(iterative_magnitude_pruning(VisionTask(settings), settings, seed=0))
    assert len(found) == settings.prune.rounds + 1
    for number, (start, trained) in enumerate(found):
        arm = "winning" if number else "dense"
        training = Training("", "vision", 0, number, arm)
        ticket = Ticket.load(paths.ticket(training))
        assert_equal(start.weights, ticket.start)
        assert_equal(trained, load_state(paths.trained(training)))
        if number:
            assert_equal(start.masks, ticket.masks)
            assert start.step == ticket.provenance["step"] == 10
    kept = sum(int(mask.sum()) for mask in found[-1][0].masks.values())
    prunable = sum(mask.size for mask in found[-1][0].masks.values())
    assert kept == prunable - prunable // 2 - (prunable - prunable // 2) // 2
