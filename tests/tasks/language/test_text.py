"""Text files are read whole, plain or gzipped, or refused in one line."""

import gzip

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.text import read_lines, text_path

# A line separator, a form feed and a vertical tab end no line.
TEXT = "ein Hut\n\n a b\u2028c \x0c d\x0b e\n"
LINES = ["ein Hut", "", " a b\u2028c \x0c d\x0b e"]


def test_plain_and_gzipped_files_give_the_same_lines(tmp_path):
    plain, packed = tmp_path / "text.txt", tmp_path / "packed"
    plain.write_bytes(TEXT.encode())
    packed.write_bytes(gzip.compress(TEXT.encode()))
    assert read_lines(plain) == read_lines(packed) == LINES


def test_windows_ends_a_byte_order_mark_and_a_missing_last_end_change_nothing(tmp_path):
    path = tmp_path / "text.txt"
    path.write_bytes(b"\xef\xbb\xbf" + TEXT.replace("\n", "\r\n").encode().removesuffix(b"\r\n"))
    assert read_lines(path) == LINES


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "Received: an empty file"),
        (b" \n\n", "Received: an empty file"),
        (b"\xff\xfe\x00", "Convert the file to UTF-8"),
        (gzip.compress(TEXT.encode(), mtime=0)[:-9], "Copy it again"),
    ],
)
def test_files_that_are_no_text_are_refused(tmp_path, content, message):
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(LotteryError, match=message) as caught:
        read_lines(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_lists_the_existing_ones(tmp_path):
    (tmp_path / "other.txt").write_text("x")
    assert text_path(str(tmp_path), "other.txt", "data.train").is_file()
    for name, message in [
        ("", "data.train. Received: none"),
        ("text.txt", "next to it: other.txt"),
        (".", "Received: a folder"),
        ("no/text.txt", "no folder"),
    ]:
        with pytest.raises(LotteryError, match=message):
            text_path(str(tmp_path), name, "data.train")
