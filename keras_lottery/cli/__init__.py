"""The command line: absl flags, one set per command."""

import io
import os
import sys
from collections.abc import Sequence
from typing import Any

from absl import flags

from keras_lottery.cli.choose import backend_for_tools
from keras_lottery.cli.command import literal, modules_of
from keras_lottery.cli.commands import COMMANDS, KINDS
from keras_lottery.errors import LotteryError, shortened, unknown_name

USAGE_ERROR = 2
STOPPED = 130
_OVERRIDE = "--config."


def entry_point() -> None:
    """Runs the command of `sys.argv` and exits: 0, 2 for an error, 130 if interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # its encoding may lack characters of ours
            stream.reconfigure(errors="replace")
    sys.exit(main(sys.argv))


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    try:
        _dispatch(list(arguments[1:]))
        sys.stdout.flush()
    except KeyboardInterrupt:
        resume = " Run the same command to resume." if arguments[1:2] == ["run"] else ""
        print(f"keras-lottery: interrupted.{resume}", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:  # `| head` has read enough; the flush at exit would fail again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (LotteryError, flags.Error) as error:
        return _refused(error)
    except OSError as error:  # such as a name in a flag that is too long for a file
        return _refused(_unusable(error))
    return 0


def _refused(error: Exception) -> int:
    """Prints an error as one line; returns the exit code."""
    print(f"keras-lottery: {' '.join(str(error).split())}", file=sys.stderr)
    return USAGE_ERROR


def _unusable(error: OSError) -> LotteryError:
    reason = error.strerror or str(error) or type(error).__name__
    where = f": {shortened(str(error.filename))}" if error.filename is not None else ""
    return LotteryError(
        f"Expected files and folders that can be read and written. Received: {reason}{where}. "
        "Check the names and folders in the flags."
    )


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("help", "--help", "-h"):
        print(_overview())
        return
    name = words[0]
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    values = flags.FlagValues()
    flags.DEFINE_bool("help", False, "Show this help.", short_name="h", flag_values=values)
    text = "Your own module to import first: dotted name or .py file. May be repeated."
    flags.DEFINE_multi_string("import", [], text, flag_values=values)
    COMMANDS[name].define(values)
    _check_once(words[1:], values)
    values.set_gnu_getopt(True)  # flags may follow the words of `list`
    overrides = {} if name != "run" else _overrides(words)
    positional = values([name, *(w for w in words[1:] if name != "run" or not _is_override(w))])[1:]
    if values.help:
        print(_help(name, values))
    elif name == "list":
        _list(positional, modules_of(values))
    elif positional:
        raise LotteryError(
            f"Expected flags such as --name=value only. Received: {positional[0]!r}. "
            f"See keras-lottery {name} --help."
        )
    else:
        COMMANDS[name].run(values, overrides)


def _is_override(word: str) -> bool:
    return word.startswith(_OVERRIDE)


def _check_once(words: list[str], values: flags.FlagValues) -> None:
    """Raises LotteryError if a flag is repeated, since only the last value would count."""
    seen: set[str] = set()
    for word in words:
        if not word.startswith("-"):
            continue
        name = word.lstrip("-").partition("=")[0].removeprefix("config.")
        if name not in values and name.removeprefix("no") in values:
            name = name.removeprefix("no")
        if name in seen and name != "import":
            raise LotteryError(
                f"Expected each flag once. Received: --{name} twice, again as {word!r}. Remove one."
            )
        seen.add(name)


def _overrides(words: list[str]) -> dict[str, Any]:
    """Returns the values of `--config.a.b=c`, parsed as Python literals if possible."""
    overrides = {}
    for word in words:
        if _is_override(word):
            name, equals, text = word.removeprefix(_OVERRIDE).partition("=")
            if not (name and equals):
                raise LotteryError(
                    f"Expected {_OVERRIDE}field=value. Received: {word!r}. Add the value."
                )
            overrides[name] = literal(text)
    return overrides


def _overview() -> str:
    width = max(map(len, COMMANDS))
    lines = ["keras-lottery finds, studies and ships sparse trainable networks.", ""]
    lines += [f"  keras-lottery {name:<{width}} {c.summary}" for name, c in COMMANDS.items()]
    lines += ["", "Each has its own flags: keras-lottery run --help", "", "Start with:"]
    return "\n".join([*lines, f"  {COMMANDS['run'].example}"])


def _help(name: str, values: flags.FlagValues) -> str:
    command = COMMANDS[name]
    lines = [command.summary, "", "Example:", f"  {command.example}", "", "Flags:"]
    texts = dict(_described(values[flag]) for flag in sorted(values) if flag != "h")
    if name == "run":
        texts[f"{_OVERRIDE}a.b=c"] = "Override any field, e.g. --config.prune.rounds=5."
    width = max(map(len, texts))
    return "\n".join([*lines, *(f"  {flag:<{width}}  {text}" for flag, text in texts.items())])


def _described(flag: flags.Flag) -> tuple[str, str]:
    """Returns a flag as it is written, and its meaning with the default."""
    text, default = flag.help.partition(";\n")[0], flag.default  # absl adds a line to lists
    if default is True:
        return f"--[no]{flag.name}", f"{text} (default: on)"
    if default in (None, False, "", []):
        return f"--{flag.name}", text
    shown = ",".join(default) if isinstance(default, list) else default
    return f"--{flag.name}", f"{text} (default: {shown})"


def _list(kinds: list[str], modules: list[str]) -> None:
    if modules:
        backend_for_tools(modules)
    for kind in kinds:
        if kind not in KINDS:
            raise unknown_name("kind", kind, KINDS)
    for kind in kinds or KINDS:
        entries = KINDS[kind]()
        width = max(map(len, entries), default=0)
        lines = [f"  {name:<{width}}  {text}".rstrip() for name, text in entries.items()]
        print("\n".join([f"{kind}:", *lines]))
