"""The harness on numbers that can be done in the head, and each benchmark at tiny sizes."""

import json
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from benchmarks.clock import Clock
from benchmarks.command import Options
from benchmarks.compare import Sample, in_turn, ratios
from benchmarks.run import BENCHMARKS, NEEDS
from benchmarks.table import Row, Section, merge


def test_the_interval_of_eleven_pairs_leaves_one_out_on_each_side():
    sample = Sample(np.arange(11.0)[::-1])
    assert sample.median == 5
    # P(B < 2) = (1 + 11) / 2048: 0.988 inside. P(B < 3) = 67 / 2048: 0.935, too little.
    assert sample.interval == (1, 9)


@pytest.mark.parametrize(("pairs", "low"), [(5, 0), (6, 0), (8, 0), (9, 1), (17, 4), (20, 5)])
def test_the_interval_narrows_as_the_sign_test_allows(pairs, low):
    assert Sample(np.arange(float(pairs))).interval == (low, pairs - 1 - low)


def test_the_interval_covers_the_median_as_often_as_it_says():
    rng = np.random.default_rng(0)
    intervals = [Sample(rng.lognormal(size=11)).interval for _ in range(2000)]
    covered = np.mean([low <= 1 <= high for low, high in intervals])
    assert 0.98 < covered < 0.995


def test_a_limit_holds_where_the_median_is_within_it_or_the_interval_contains_it():
    sample = Sample(1 + np.arange(11.0) / 100)  # median 1.05, interval 1.01 to 1.09
    assert sample.holds(1.05)
    assert sample.holds(2)
    assert sample.holds(1.02)
    assert not sample.holds(1.0)


def test_ratios_are_taken_pair_by_pair():
    seconds = {"a": np.array([2.0, 30.0]), "b": np.array([1.0, 10.0])}
    assert ratios(seconds, "a", "b").values.tolist() == [2, 3]


def test_candidates_take_turns_in_alternating_order_after_a_warm_up():
    called = []
    seconds = in_turn({"a": lambda: called.append("a"), "b": lambda: called.append("b")}, 3)
    assert "".join(called) == "ab" + "ab" + "ba" + "ab"
    assert all(values.shape == (3,) and (values > 0).all() for values in seconds.values())


def test_a_clock_gives_time_to_the_innermost_name(monkeypatch):
    now = iter([0, 1, 3, 7, 8, 8])
    monkeypatch.setattr("benchmarks.clock.time.perf_counter", lambda: float(next(now)))
    clock = Clock()
    with clock.timed("outer"), clock.timed("inner"):  # from 1 to 8, and in it from 3 to 7
        pass
    assert clock.seconds == {"": 1, "outer": 2 + 1, "inner": 4}


def test_a_clock_puts_back_what_it_watched():
    class Thing:
        def work(self):
            return 3

    clock, own = Clock(), Thing.work
    with clock.watching({"work": [(Thing, "work")]}):
        assert Thing().work() == 3
    assert Thing.work is own
    assert "work" in clock.seconds


def made_section(benchmark="step", backend="jax", value=1.0):
    sample = Sample(np.full(11, value))
    rows = [Row.of("a net", "this: 1 s", "that: 2 s", sample, 1.05), Row.of("x", "y", "z", sample)]
    return Section(benchmark, backend, "About.", rows, ["A note."], {"cores": "2"})


def test_a_section_replaces_its_own_kind_and_leaves_the_others(tmp_path):
    data, page = tmp_path / "results.json", tmp_path / "results.md"
    merge([made_section(), made_section(backend="tensorflow")], data, page)
    merge([made_section(value=1.25)], data, page)
    found = [Section.load(one) for one in json.loads(data.read_text())]
    assert found == [made_section(value=1.25), made_section(backend="tensorflow")]
    text = page.read_text()
    assert (
        "| a net | this: 1 s | that: 2 s | 1.25 [1.25, 1.25] | 11 | ≤ 1.05 | **not met** |" in text
    )
    assert "| a net | this: 1 s | that: 2 s | 1 [1, 1] | 11 | ≤ 1.05 | met |" in text
    assert text.count("## step\n") == 1
    assert text.count("A note.") == 2


def test_a_row_without_a_limit_is_not_judged():
    row = Row.of("x", "y", "z", Sample(np.array([3.0])))
    assert row.limit is None
    assert row.held is None
    assert row.cells()[-2:] == ["", ""]
    assert replace(row, held=False, limit=1.0).cells()[-2:] == ["≤ 1", "**not met**"]


@pytest.mark.parametrize(
    "benchmark",
    [
        pytest.param(name, marks=[pytest.mark.tensorflow] * (backends == ("tensorflow",)))
        for name, backends in BENCHMARKS.items()
    ],
)
def test_each_benchmark_fills_the_table(benchmark):
    if find_spec(NEEDS.get(benchmark, "numpy")) is None:
        pytest.skip(f"{NEEDS[benchmark]} is not installed")
    module = import_module(f"benchmarks.{benchmark}")
    measured = module.measure(Options(pairs=1, quick=True))
    assert measured.rows
    assert all(0 < row.low <= row.median <= row.high for row in measured.rows)


def test_the_command_writes_the_section_of_the_table(tmp_path):
    file = tmp_path / "section.json"
    command = [sys.executable, "-m", "benchmarks.global_cut", "--quick", f"--json={file}"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    section = Section.load(json.loads(file.read_text()))
    assert section.key == "global_cut numpy"
    assert "| 200,000 float32 weights" in done.stdout
