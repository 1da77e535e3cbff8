"""Tickets of one experiment, trained on the data of another."""

import csv
import dataclasses
import shutil

import numpy as np
import pytest

from keras_lottery import engine
from keras_lottery.engine.run_reader import source_file
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import paths_of
from keras_lottery.tickets import Ticket
from keras_lottery.types import Training

from .small import config

OUTPUT = "layers/dense_2/kernel"
HALF = {"data__classes": (0, 1, 2, 3, 4), "arms": ("winning",)}


def with_sources(settings, **sources):
    transfer = dataclasses.replace(
        settings.transfer, sources=sources, arms=("winning", "permuted_layer")
    )
    return dataclasses.replace(settings, transfer=transfer)


def rows(paths):
    with paths.results.open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A finished experiment on the first five digits."""
    return engine.run(config(tmp_path_factory.mktemp("source"), **HALF))


def test_a_ticket_keeps_all_but_the_output_layer_which_is_fresh_and_unmasked(source, tmp_path):
    target = with_sources(config(tmp_path, arms=("winning",)), low=str(source))
    engine.run(target)
    paths = paths_of(target)
    key = Training("low", "vision", 0, 2, "winning")
    ticket = Ticket.load(paths.ticket(key))
    given = Ticket.load(
        paths_of(target).__class__(source).ticket(dataclasses.replace(key, source=""))
    )
    dense = Ticket.load(paths.ticket(Training("", "vision", 0, 0, "dense")))
    assert OUTPUT in given.masks and OUTPUT not in ticket.masks
    assert given.start[OUTPUT].shape == (10, 5) and ticket.start[OUTPUT].shape == (10, 10)
    assert (ticket.start[OUTPUT] == dense.start[OUTPUT]).all()
    for path, mask in ticket.masks.items():
        assert (mask == given.masks[path]).all()
        assert (ticket.start[path] == given.start[path]).all()
    found = {(r["source"], r["arm"], r["round"]): r for r in rows(paths)}
    assert {k[0] for k in found} == {"", "low"} and len(found) == 3 + 4
    own, taken = found["", "winning", "2"], found["low", "winning", "2"]
    assert own["prunable"] == taken["prunable"]
    assert int(taken["steps"]) == 40
    control = Ticket.load(paths.ticket(dataclasses.replace(key, arm="permuted_layer")))
    assert all(np.sum(m) == np.sum(ticket.masks[p]) for p, m in control.masks.items())
    assert any((m != ticket.masks[p]).any() for p, m in control.masks.items())


def test_sources_extend_a_run(source, tmp_path):
    plain = config(tmp_path, arms=("winning",))
    engine.run(plain)
    before = paths_of(plain).results.read_text()
    engine.run(with_sources(plain, low=str(source)))
    assert paths_of(plain).results.read_text().startswith(before)
    with pytest.raises(LotteryError, match="Expected the source 'low' to be"):
        engine.run(with_sources(plain, low=str(shutil.copytree(source, tmp_path / "other"))))


def test_what_does_not_fit_is_named(source, tmp_path):
    other = with_sources(
        config(tmp_path, arms=("winning",), model__hidden=(21, 10)), low=str(source)
    )
    with pytest.raises(LotteryError, match=r"layers/dense/kernel \(64, 20\) for \(64, 21\)"):
        engine.run(other)
    seeds = with_sources(config(tmp_path, arms=("winning",), seeds=(1,)), low=str(source))
    with pytest.raises(LotteryError, match="winning ticket of seed 1, round 1 in the source 'low'"):
        engine.run(seeds)
    assert [path.name for path in tmp_path.iterdir()] == [paths_of(other).root.name]
    chain = config(tmp_path)
    transfer = dataclasses.replace(chain.transfer, arms=("one_shot",))
    with pytest.raises(LotteryError, match=r"transfer\.arms that use a ticket's masks"):
        engine.run(dataclasses.replace(chain, transfer=transfer))


def test_a_source_may_be_in_the_home_folder(source, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(source.parent))
    target = with_sources(config(tmp_path), low=f"~/{source.name}")
    file = source_file(target, Training("low", "vision", 0, 1, "winning"))
    assert file.is_relative_to(source) and file.exists()
