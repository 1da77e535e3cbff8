"""Text and names from outside: how they are printed, and which may be part of a path."""

import pytest

from keras_lottery.checks import check_path_name, is_path_name
from keras_lottery.errors import LotteryError, printable, shortened


def test_control_characters_are_written_out() -> None:
    assert printable("a\x1b[31mred\x00\x7f\u202e") == "a\\x1b[31mred\\x00\\x7f\\u202e"
    assert printable("\ud800") == "\\ud800"  # a terminal could not encode it
    same = "±\u00a0é\u202f日本 [red] $x$\n\t"
    assert printable(same) == same


def test_long_text_is_cut() -> None:
    assert shortened("x" * 200) == f"'{'x' * 80}…'"
    assert shortened("\x1b]0;") == "'\\x1b]0;'"


def test_an_error_sends_no_escape_sequences() -> None:
    error = LotteryError("Received: \x1b[2Jname.")
    assert str(error) == "Received: \\x1b[2Jname."


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        " ",
        "../x",
        "a/b",
        "a\\b",
        "C:x",
        "/etc/x",
        "a\0",
        "a\nb",
        "\x1b[m",
        "x" * 300,
    ],
)
def test_names_that_could_lead_out_of_a_folder_are_refused(name: str) -> None:
    assert not is_path_name(name)
    with pytest.raises(LotteryError, match="Expected the name of an arm"):
        check_path_name("an arm", name)


@pytest.mark.parametrize("name", ["winning", "<b>|x", "[red]", "$x$", "a..b", "größe", ".a"])
def test_other_names_are_taken(name: str) -> None:
    assert check_path_name("an arm", name) == name
