"""An experiment on real data: its files, resuming, and the errors it raises."""

import csv
import dataclasses
import json
import os
import signal

import keras
import numpy as np
import pytest

from keras_lottery import engine
from keras_lottery.arms import arms
from keras_lottery.engine.run_folder import held
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_table
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.tasks import make_task
from keras_lottery.tickets import Ticket, load_state
from keras_lottery.types import Training
from tests import fresh
from tests.engine.small import config, settings

ALL = (
    "winning",
    "reinit",
    "permuted_layer",
    "permuted_global",
    "init_permuted",
    "one_shot",
    "winning_init",
)
TIMES = ("seconds", "compile_seconds")


def rows(folder):
    with (folder / "results.csv").open() as file:
        return [{k: v for k, v in row.items() if k not in TIMES} for row in csv.DictReader(file)]


def contents(folder):
    """Every file but times: tickets, states and tables by name."""
    found = {"results": rows(folder)}
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".safetensors", ".csv") and path.name != "results.csv":
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """One uninterrupted run with every arm."""
    return engine.run(config(tmp_path_factory.mktemp("whole"), arms=ALL))


def of(number, arm, draw=0):
    return Training("", "vision", 0, number, arm, draw)


def ticket(folder, number, arm, draw=0):
    return Ticket.load(RunPaths(folder).ticket(of(number, arm, draw)))


@pytest.mark.backend
def test_every_arm_has_its_row_and_its_ticket(whole):
    found = rows(whole)
    assert [(r["round"], r["arm"]) for r in found[:2]] == [("0", "dense"), ("1", "winning")]
    assert len(found) == 1 + 2 * len(ALL)
    prunable = int(found[0]["prunable"])
    assert prunable == 64 * 20 + 20 * 10 + 10 * 10
    for row in found:
        expected = prunable
        for _ in range(int(row["round"])):
            expected -= int(0.5 * expected)
        assert int(row["kept"]) == expected, row
        assert float(row["sparsity"]) == 1 - expected / prunable
        masks = ticket(whole, int(row["round"]), row["arm"]).masks
        kept = sum(int(m.sum()) for m in masks.values())
        assert kept == (expected if masks else 0)


@pytest.mark.backend
def test_the_winning_ticket_rewinds_to_the_dense_networks_step(whole):
    state = load_state(whole / "seed_0" / "rewind.safetensors")
    assert state["step"] == 10
    start = ticket(whole, 2, "winning").start
    for path, value in start.items():
        assert np.array_equal(value, state[f"weights/{path}"]), path
    found = {(r["round"], r["arm"]): int(r["steps"]) for r in rows(whole)}
    assert found["1", "winning"] == found["2", "one_shot"] == found["1", "init_permuted"] == 30
    assert found["0", "dense"] == found["1", "reinit"] == found["2", "winning_init"] == 40


@pytest.mark.backend
def test_each_control_differs_from_the_ticket_in_what_it_should(whole):
    winning, dense = ticket(whole, 2, "winning"), ticket(whole, 0, "dense")
    for arm in ALL[1:]:
        control = ticket(whole, 2, arm)
        same_masks = all(np.array_equal(m, control.masks[p]) for p, m in winning.masks.items())
        assert same_masks == (arm in ("reinit", "init_permuted")), arm
        per_layer = [int(m.sum()) for m in winning.masks.values()]
        is_local = [int(m.sum()) for m in control.masks.values()] == per_layer
        assert is_local or arm in ("permuted_global", "one_shot", "winning_init"), arm
        same_start = all(np.array_equal(v, control.start[p]) for p, v in winning.start.items())
        assert same_start == (arm == "one_shot"), arm
    init = ticket(whole, 2, "winning_init").start
    assert all(np.array_equal(v, init[p]) for p, v in dense.start.items())
    shuffled = ticket(whole, 2, "init_permuted")
    for path, mask in winning.masks.items():
        before, after = winning.start[path][mask], shuffled.start[path][mask]
        assert sorted(before) == sorted(after) and (before != after).any()


@pytest.mark.backend
def test_layer_tables_say_what_the_masks_connect(whole):
    def connected(number, arm):
        table = read_table(RunPaths(whole).layers(of(number, arm)))
        return [(int(r["connected_inputs"]), int(r["connected_units"])) for r in table]

    assert connected(0, "dense") == [(64, 20), (20, 10), (10, 10)]
    first, second, last = connected(2, "winning")
    assert (first[1], second[1]) == (second[0], last[0])
    masks = list(ticket(whole, 2, "winning").masks.values())
    read = masks[0] @ masks[1] @ masks[2]  # True where a path leads from an input to an output
    assert (first[0], last[1]) == (read.any(axis=1).sum(), read.any(axis=0).sum())


@pytest.mark.backend
def test_masks_only_shrink_and_prune_the_smallest_trained_weights(whole):
    first, second = ticket(whole, 1, "winning").masks, ticket(whole, 2, "winning").masks
    path = whole / "seed_0" / "round_01" / "winning.trained.safetensors"
    trained = load_state(path)
    kept, gone = [], []
    for name, mask in first.items():
        assert not (second[name] & ~mask).any()
        assert not trained[name][~mask].any()
        kept.append(np.abs(trained[name])[second[name]])
        gone.append(np.abs(trained[name])[mask & ~second[name]])
    assert np.concatenate(kept).min() >= np.concatenate(gone).max()


@pytest.mark.backend
def test_two_runs_are_equal_and_more_rounds_resume_a_run(whole, tmp_path):
    one = engine.run(config(tmp_path / "a", arms=ALL, prune__rounds=1))
    assert paths_of(config(tmp_path / "a", arms=ALL)).root == one
    stamps = {p: p.stat().st_mtime_ns for p in one.rglob("*.ticket.safetensors")}
    again = engine.run(config(tmp_path / "a", arms=ALL))
    assert again == one
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
    expected, found = contents(whole), contents(again)
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        assert found[name] == content, name


def test_more_rounds_keep_the_weights_that_an_earlier_call_kept(tmp_path):
    run = engine.run(config(tmp_path, arms=("winning",), prune__rounds=1))
    engine.run(config(tmp_path, arms=("winning",), prune__rounds=3, keep_trained=()))
    kept = {path.parent.name for path in run.glob("seed_0/*/winning.trained.safetensors")}
    assert kept == {"round_01", "round_02", "round_03"}


# Runs the command line, and dies at the n-th file that replaces another.
KILLED = """
import os, runpy, signal, sys

replace, left = os.replace, [int(sys.argv.pop(1))]

def until(source, target):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)

os.replace = until
runpy.run_module("keras_lottery", run_name="__main__", alter_sys=True)
"""


def arguments(out, **fields):
    """Returns the arguments of the command line that runs the small experiment."""
    flags = [f"--config.{k}={v!r}" for k, v in settings(out, **fields).items()]
    return [
        "run",
        "--config=quickstart",
        "--report=false",
        "--executor=sequential",
        f"--backend={keras.config.backend()}",
        *flags,
    ]


def test_a_run_killed_at_any_moment_resumes_to_the_same_result(tmp_path, monkeypatch):
    replaced, replace = [], os.replace
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *paths: replaced.append(paths) or replace(*paths))
        expected = contents(engine.run(config(tmp_path / "whole")))
    out = tmp_path / "killed"
    for moment in np.random.default_rng(0).integers(1, len(replaced) // 2, size=2):
        done = fresh.run("-c", KILLED, moment, *arguments(out))
        assert done.returncode == -signal.SIGKILL, done.stderr
    finished = fresh.run("-m", "keras_lottery", *arguments(out))
    assert finished.returncode == 0, finished.stderr
    (folder,) = out.iterdir()
    found = contents(folder)
    assert found.keys() == expected.keys()
    for name, content in expected.items():
        assert found[name] == content, name
    assert not list(folder.rglob("*.tmp"))


@pytest.mark.backend
@pytest.mark.skipif(keras.config.backend() == "torch", reason="torch traces nothing")
def test_nothing_is_traced_again_between_rounds_and_arms(tmp_path):
    settings_ = config(tmp_path, prune__rounds=1)
    task, paths = make_task(settings_), paths_of(settings_)
    engine.train_all(settings_, paths, task)
    traced = task._trainer("zero").program.traces
    assert traced > 0
    more = config(tmp_path, arms=("winning", "init_permuted", "one_shot", "winning_init"))
    engine.train_all(more, paths, task)
    assert task._trainer("zero").program.traces == traced


def test_a_folder_of_another_config_is_refused(tmp_path):
    settings_ = config(tmp_path)
    folder = engine.run(config(tmp_path, prune__rounds=1))
    record = json.loads((folder / "config.json").read_text())
    record["config"]["prune"]["rate"] = 0.25
    (folder / "config.json").write_text(json.dumps(record))
    with pytest.raises(LotteryError, match=r"prune\.rate"):
        engine.run(settings_)


def test_a_folder_that_another_process_holds_is_refused(tmp_path):
    settings_ = config(tmp_path)
    with held(paths_of(settings_)), pytest.raises(LotteryError, match="another process has locked"):
        engine.run(settings_)


def test_a_rewind_point_past_the_training_is_refused(tmp_path):
    with pytest.raises(LotteryError, match=r"rewind\.to before .* step 40"):
        engine.run(config(tmp_path, rewind__to="2ep"))
    assert not list(tmp_path.rglob("config.json"))


def test_arms_with_the_file_names_of_other_trainings_are_refused(tmp_path, monkeypatch):
    for name in ("reinit-1", "mnist+winning"):
        monkeypatch.setitem(arms._entries, name, arms["reinit"])
        with pytest.raises(LotteryError, match=r"without \+ and without a number.*Received: '"):
            engine.run(config(tmp_path, arms=("winning", name)))
    assert not any(tmp_path.iterdir())


def test_unknown_arms_are_refused_before_anything_is_built(tmp_path):
    with pytest.raises(LotteryError, match="Did you mean 'reinit'"):
        engine.run(config(tmp_path, arms=["renit"]))
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(LotteryError, match="--out"):
        engine.run(config(tmp_path))


@pytest.mark.skipif(keras.config.backend() != "jax", reason="others compute in 64 bits")
def test_jax_is_not_asked_for_bits_that_it_leaves_out(tmp_path):
    with pytest.raises(LotteryError, match="JAX_ENABLE_X64"):
        engine.run(config(tmp_path, train__dtype_policy="float64"))
    assert not list(tmp_path.iterdir())


def test_a_run_on_another_backend_or_with_other_threads_is_refused(whole, tmp_path):
    other = "torch" if keras.config.backend() != "torch" else "jax"
    wrong = dataclasses.replace(config(tmp_path), backend=other)
    with pytest.raises(LotteryError, match=f"Set KERAS_BACKEND={other} before Keras is imported"):
        engine.run(wrong)
    assert not list(tmp_path.iterdir())
    run = engine.run(config(tmp_path, prune__rounds=1, arms=["winning"]))
    with pytest.raises(LotteryError, match=r"threads per training.*Received: 1"):
        engine.run(config(tmp_path, prune__rounds=1, arms=["winning"], threads=1))
    recorded = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps(recorded | {"backend": other}))
    with pytest.raises(LotteryError, match=f"started on, {other}"):
        engine.run(config(tmp_path, prune__rounds=1, arms=["winning"]))


def test_a_truncated_ticket_is_refused(tmp_path):
    folder = engine.run(config(tmp_path, prune__rounds=1))
    path = folder / "seed_0" / "round_01" / "winning.ticket.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(LotteryError, match="winning"):
        engine.run(config(tmp_path))


def test_with_the_fresh_draw_masking_or_rewinding_off_the_arms_would_be_equal(whole):
    # What the other tests rest on: the three mechanisms leave traces in a run's files.
    trained = load_state(whole / "seed_0" / "round_02" / "winning.trained.safetensors")
    winning = ticket(whole, 2, "winning")
    assert all(not trained[p][~m].any() for p, m in winning.masks.items())  # masking
    before = load_state(whole / "seed_0" / "round_01" / "winning.trained.safetensors")
    assert any((winning.start[p] != v).any() for p, v in before.items())  # rewinding
    reinit = ticket(whole, 2, "reinit")
    for path, mask in winning.masks.items():  # the fresh draw
        assert not np.isclose(reinit.start[path][mask], winning.start[path][mask]).any()
