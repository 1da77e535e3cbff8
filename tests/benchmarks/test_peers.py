"""The comparison with other packages: its workers take turns, and its arithmetic."""

import sys
from contextlib import ExitStack

import pytest

from benchmarks.peers import side_by_side
from benchmarks.peers.side_by_side import Candidate, Group, Rate

WORKER = """
import sys

print("ready", flush=True)
for order in sys.stdin:
    with open(sys.argv[1], "a") as file:
        file.write(order)
    print("done", flush=True)
"""


def test_workers_train_when_they_are_told_to(tmp_path):
    orders = tmp_path / "orders"
    with ExitStack() as stack:
        command = (sys.executable, "-c", WORKER, str(orders))
        group = Group(Candidate("made", command), 2, 1, stack)
        assert not orders.exists()
        for calls in (1, 2):
            group()
            assert orders.read_text() == "go\n" * 2 * calls


def test_a_worker_that_fails_is_named():
    made = Candidate("made", (sys.executable, "-c", "raise SystemExit(1)"))
    with ExitStack() as stack, pytest.raises(SystemExit, match="made failed"):
        Group(made, 1, 1, stack)


def test_the_papers_experiment_takes_the_better_rate_of_each_package():
    rates = [
        Rate("ours", "one process", 1000.0, ""),
        Rate("ours", "one process per core", 2000.0, ""),
        Rate("OpenLTH", "one process", 100.0, ""),
    ]
    text = side_by_side.paper(rates)
    # 5 × 61 trainings of 50,000 steps.
    assert "305 trainings" in text and "ours 2.1 h" in text and "OpenLTH 42.4 h" in text


def test_the_page_shows_what_was_measured():
    assert side_by_side.PAGE.read_text("utf-8") == side_by_side.page(side_by_side.load())
