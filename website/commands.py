"""The reference of the command line, from the flags of each command."""

from html import escape

from absl import flags

from keras_lottery.cli.commands import COMMANDS

_INTRODUCTION = """# Command-line reference

Generated from the flags of each command. [The command line](../command_line.md) shows how they work
together. Every command also takes `--help`, and `--import` for
[modules of your own](../extend/data.md).
"""


def page() -> str:
    """Returns a section for each command: its summary, an example and its flags."""
    lines = [_INTRODUCTION]
    for name, command in COMMANDS.items():
        lines += [f"## {name}", "", command.summary, "", "```bash", command.example, "```", ""]
        if rows := _rows(name):
            lines += ["| flag | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _rows(name: str) -> list[str]:
    values = flags.FlagValues()
    COMMANDS[name].define(values)
    rows = [
        f"| `--{flag}` | {_default(values[flag].default)} | {escape(values[flag].help)} |"
        for flag in sorted(values)
    ]
    if name == "run":
        rows.append("| `--config.a.b=c` | | Override any [field of the config](config.md). |")
    return rows


def _default(value: object) -> str:
    if value in (None, "", []):
        return ""
    if isinstance(value, list):
        return f"`{','.join(map(str, value))}`"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"
