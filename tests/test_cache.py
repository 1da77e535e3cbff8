"""Decoded arrays are cached until a file changes; damaged entries are read again."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from keras_lottery import cache
from keras_lottery.errors import LotteryError


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A folder with one file, and a separate cache."""
    monkeypatch.setenv("KERAS_LOTTERY_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "mnist" / "3.0.1"
    folder.mkdir(parents=True)
    (folder / "part").write_text("one")
    return folder


class Reader:
    """Decodes the same arrays each time, and counts how often."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return {"x": np.arange(6).reshape(2, 3), "classes": np.array(7)}


def decoded(source, reader, **key):
    arrays = cache.decoded(source, key, reader)
    assert np.array_equal(arrays["x"], [[0, 1, 2], [3, 4, 5]]) and int(arrays["classes"]) == 7
    return arrays


def test_a_second_call_maps_the_arrays(source):
    reader = Reader()
    decoded(source, reader)
    again = decoded(source, reader)
    assert reader.times == 1
    assert isinstance(again["x"], np.memmap) and not again["x"].flags.writeable


def test_a_changed_file_and_another_key_are_read_again(source):
    reader = Reader()
    decoded(source, reader, resize=0)
    decoded(source, reader, resize=8)
    os.utime(source / "part", ns=(1, 1))
    decoded(source, reader, resize=0)
    assert reader.times == 3


@pytest.mark.parametrize("damage", [b"", b"no array", None])
def test_damage_is_read_again(source, damage):
    reader = Reader()
    decoded(source, reader)
    (file,) = cache.folder().rglob("x.npy")
    file.unlink() if damage is None else file.write_bytes(damage)
    decoded(source, reader)
    decoded(source, reader)
    assert reader.times == 2


def test_no_cache(source, monkeypatch):
    monkeypatch.setenv("KERAS_LOTTERY_CACHE", "")
    reader = Reader()
    decoded(source, reader)
    decoded(source, reader)
    assert reader.times == 2 and cache.folder() is None


def test_a_cache_that_cannot_be_written_costs_nothing_else(source, monkeypatch):
    monkeypatch.setenv("KERAS_LOTTERY_CACHE", str(source / "part"))
    with pytest.warns(UserWarning, match="is not cached"):
        decoded(source, Reader())


def test_a_folder_of_nobody_is_named(monkeypatch):
    monkeypatch.setenv("KERAS_LOTTERY_CACHE", "~nobody-here/cache")
    with pytest.raises(LotteryError, match="KERAS_LOTTERY_CACHE, a path in the home folder"):
        cache.folder()


def test_the_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("KERAS_LOTTERY_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.folder() == tmp_path / "keras_lottery"


def test_programs_stay_where_the_user_wants_them(monkeypatch):
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", "mine")
    cache.keep_programs()
    assert os.environ["JAX_COMPILATION_CACHE_DIR"] == "mine"


def test_one_thread_decodes_and_the_others_wait(source):
    reader = Reader()
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda _: decoded(source, reader), range(4)))
    assert reader.times == 1
