"""Files of another training, of another run, or changed since: refused by whoever reads them."""

import json
import shutil

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from keras_lottery.engine.run_reader import to_start
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tickets import Ticket, load_metadata, load_state, save_state
from keras_lottery.types import Training
from tests.engine.made import KERNEL, made, of


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """The folder of a made run of two seeds and two rounds."""
    folder = tmp_path_factory.mktemp("made")
    made(folder)
    return folder


@pytest.fixture
def files(template, tmp_path):
    """The reader of a copy of it; `made` writes what is missing, and here nothing is."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return made(tmp_path)


def readers(files):
    """Each kind of file: its path by training, and how the engine reads it."""
    paths = files._paths
    return {
        "ticket": (paths.ticket, files.start_of),
        "trained": (paths.trained, files.trained),
        "rewind": (lambda t: paths.rewind(t.seed), lambda t: files.rewind_state(t.seed)),
    }


KINDS = ("ticket", "trained", "rewind")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file_says_what_it_is_of(files, kind):
    path, read = readers(files)[kind]
    training = of(1, 0) if kind == "rewind" else of(1, 2)
    found = load_metadata(path(training))["provenance"]
    expected = {"seed": 1, "round": training.round, "arm": training.arm, "draw": 0, "source": ""}
    run = json.loads(files._paths.config.read_text())["hash"]
    expected |= {"task": "vision", "kind": kind, "run": run}
    assert found.items() >= expected.items()
    read(training)


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_of_another_seed_is_refused(files, kind):
    path, read = readers(files)[kind]
    number = 0 if kind == "rewind" else 2
    shutil.copy(path(of(1, number)), path(of(0, number)))
    with pytest.raises(LotteryError, match=r"seed_0.* to have seed '0' in .*\. Received: '1'"):
        read(of(0, number))


@pytest.mark.parametrize("kind", ["ticket", "trained"])
def test_the_file_of_another_round_is_refused(files, kind):
    path, read = readers(files)[kind]
    shutil.copy(path(of(0, 1)), path(of(0, 2)))
    with pytest.raises(LotteryError, match=r"round '2' in its provenance\. Received: '1'"):
        read(of(0, 2))


@pytest.mark.parametrize("kind", KINDS)
def test_the_file_of_another_run_is_refused(files, kind, tmp_path):
    other = made(tmp_path, prune__rate=0.25)
    path, read = readers(files)[kind]
    number = 0 if kind == "rewind" else 1
    shutil.copy(readers(other)[kind][0](of(0, number)), path(of(0, number)))
    with pytest.raises(LotteryError, match="to have run"):
        read(of(0, number))


def test_one_kind_of_file_does_not_pass_for_another(files):
    paths = files._paths
    shutil.copy(paths.rewind(0), paths.trained(of(0, 0)))
    with pytest.raises(
        LotteryError, match=r"kind 'trained' in its provenance\. Received: 'rewind'"
    ):
        files.trained(of(0, 0))
    shutil.copy(paths.trained(of(0, 1)), paths.ticket(of(0, 1)))
    with pytest.raises(LotteryError, match="Expected a ticket"):
        files.start_of(of(0, 1))


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_refused_wherever_it_is(files, kind):
    path, read = readers(files)[kind]
    training = of(0, 0) if kind == "rewind" else of(0, 1)
    whole = path(training).read_bytes()
    rng = np.random.default_rng(0)
    for place in rng.integers(len(whole), size=60):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << int(rng.integers(8))
        path(training).write_bytes(flipped)
        try:
            read(training)
        except LotteryError:
            continue
        found = load_state(path(training))  # not refused: a space, or a digit of an exponent
        path(training).write_bytes(whole)
        expected = load_state(path(training))
        assert found.keys() == expected.keys(), place
        assert all(np.array_equal(found[name], expected[name]) for name in expected), place


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_ticket_of_values_that_are_not_finite_is_refused(files, value):
    path = files._paths.ticket(of(0, 1))
    ticket = Ticket.load(path)
    ticket.start[KERNEL][0, 0] = value
    ticket.save(path)
    with pytest.raises(LotteryError, match=f"finite weights, unlike those of {KERNEL}"):
        files.start_of(of(0, 1))


def as_older(path, keep_provenance):
    """Rewrites a file as older versions wrote it: without checksums, and without the run."""
    arrays = load_state(path)
    with safe_open(path, "np") as file:
        metadata = json.loads(file.metadata()["keras_lottery"])
    del metadata["checksums"]
    made_of = metadata.pop("provenance")
    if keep_provenance:
        metadata["provenance"] = {k: v for k, v in made_of.items() if k not in ("run", "kind")}
    save_file(arrays, path, {"keras_lottery": json.dumps(metadata)})


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_older_versions_are_read_with_one_warning(files, kind):
    path, read = readers(files)[kind]
    training = of(0, 0) if kind == "rewind" else of(0, 1)
    expected = load_state(path(training))
    as_older(path(training), keep_provenance=kind == "ticket")
    with pytest.warns(UserWarning, match=f"{kind}.*older version") as caught:
        found = read(training)
    assert len(caught) == 1
    array = found.weights[KERNEL] if kind == "ticket" else found[next(iter(found))]
    assert any(np.array_equal(array, value) for value in expected.values())


def test_an_older_ticket_of_another_round_is_refused_all_the_same(files):
    paths = files._paths
    as_older(paths.ticket(of(0, 2)), keep_provenance=True)
    shutil.copy(paths.ticket(of(0, 2)), paths.ticket(of(0, 1)))
    with (
        pytest.warns(UserWarning, match="older"),
        pytest.raises(LotteryError, match="to have round"),
    ):
        files.start_of(of(0, 1))


def test_a_ticket_from_a_source_has_its_seed_and_run(files, tmp_path):
    source = made(tmp_path, prune__rate=0.25)
    root = source._paths.root
    target = made(tmp_path, transfer__sources={"quarter": str(root)})
    taken = Training("quarter", "vision", 0, 1, "winning")
    start = target.source_start_of(taken)
    assert np.array_equal(start.weights[KERNEL], source.start_of(of(0, 1)).weights[KERNEL])
    shutil.copy(RunPaths(root).ticket(of(1, 1)), RunPaths(root).ticket(of(0, 1)))
    with pytest.raises(LotteryError, match="seed '0'"):
        target.source_start_of(taken)
    shutil.copy(files._paths.ticket(of(0, 1)), RunPaths(root).ticket(of(0, 1)))
    with pytest.raises(LotteryError, match="to have run"):
        target.source_start_of(taken)


@pytest.mark.parametrize("step", [None, -1, "3", 1.5, True, float("nan"), 10**400])
def test_a_ticket_that_does_not_say_where_it_starts_is_refused(step):
    made_at = dict.fromkeys(("step", "learning_rate_step", "data_order_step", "seed"), 0)
    ticket = Ticket({}, {"w": np.ones(3)}, {}, made_at | {"learning_rate_step": step})
    with pytest.raises(LotteryError, match="learning_rate_step"):
        to_start(ticket)
    for seed in ({}, {"start_seed": 7}):  # older versions had that of the start as `seed`
        start = to_start(Ticket({}, {"w": np.ones(3)}, {}, made_at | seed))
        assert (start.step, start.seed) == (0, seed.get("start_seed", 0))


def test_a_rewind_point_has_a_step(files):
    path = files._paths.rewind(0)
    save_state(path, {"x": np.ones(1)}, {"provenance": load_metadata(path)["provenance"]})
    with pytest.raises(LotteryError, match="a rewind point"):
        files.rewind_state(0)


def test_weights_that_were_kept_for_one_round_only_are_said_to_be(files):
    files._paths.trained(of(0, 1)).unlink(missing_ok=True)
    with pytest.raises(LotteryError, match=r"'winning', seed 0, round 1.*from round 1 on"):
        files.trained(of(0, 1))
