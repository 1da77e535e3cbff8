"""A file is there whole or not at all."""

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.files import write_text, write_whole


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")

    def half(temporary):
        temporary.write_text("ne")
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        write_whole(path, half)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_folder_that_is_a_file_is_an_error(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(LotteryError, match="--out"):
        write_text(tmp_path / "a" / "b.txt", "")
