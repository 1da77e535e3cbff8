"""A command: its help, flags and action, and reading its flags."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from absl import flags

from keras_lottery.errors import LotteryError


@dataclass(frozen=True)
class Command:
    """One command: help, flags and action.

    `run` gets the flags, and the `--config.a.b=c` overrides by field.
    """

    summary: str
    example: str
    define: Callable[[flags.FlagValues], None]
    run: Callable[[flags.FlagValues, dict[str, Any]], None]


def text_flag(values: flags.FlagValues, name: str, default: str | None, text: str) -> None:
    """Defines a flag with text."""
    flags.DEFINE_string(name, default, text, flag_values=values)


def required(values: flags.FlagValues, name: str, example: str) -> Any:
    """Returns the value of a flag.

    Raises:
        LotteryError: it is not given; the error shows the example.
    """
    if values[name].value in (None, ""):
        raise LotteryError(f"Expected --{name}. Received none. Example: {example}")
    return values[name].value


def define_format(values: flags.FlagValues, default: str) -> None:
    """Defines the flags that choose what is written."""
    text_flag(values, "format", default, "Format to write (see `list formats`).")
    text_flag(values, "quantize", None, "int8: quantize the weights.")
    flags.DEFINE_bool(
        "compact", False, "Remove pruned channels from the layers.", flag_values=values
    )
    text = "Export the dense network too, for comparison (not kept)."
    flags.DEFINE_bool("dense", True, text, flag_values=values)


def format_of(values: flags.FlagValues) -> dict[str, Any]:
    """Returns the flags of `define_format` as arguments of `export`."""
    return {name: values[name].value for name in ("format", "quantize", "compact", "dense")}


def modules_of(values: flags.FlagValues) -> list[str]:
    """Returns the modules named with `--import`."""
    return [name.strip() for entry in values["import"].value for name in entry.split(",")]


def literal(text: str) -> Any:
    """Returns the value of a Python literal, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {"true": True, "false": False}.get(text.lower(), text)
