"""The command line: absl flags, one set of them for each command."""

import ast
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from absl import flags

from keras_lottery import config as configs
from keras_lottery import presets
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.tasks import task_schemas

USAGE_ERROR = 2
STOPPED = 130
_OVERRIDE = "--config."
# Fields of the config that have a flag of their own.
_SHORT = ("out", "backend", "executor", "distribution", "tpu", "seeds")


@dataclass(frozen=True)
class Command:
    """One command: what it says of itself, its flags, and what it does.

    `run` gets the flags, and the `--config.a.b=c` overrides by field.
    """

    summary: str
    example: str
    define: Callable[[flags.FlagValues], None]
    run: Callable[[flags.FlagValues, dict[str, Any]], None]


def entry_point() -> None:
    """Runs the command of `sys.argv` and exits: 0, or 2 with one line on standard error."""
    sys.exit(main(sys.argv))


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    try:
        _dispatch(list(arguments[1:]))
    except KeyboardInterrupt:
        print("keras-lottery: stopped. Run the same command to go on.", file=sys.stderr)
        return STOPPED
    except (LotteryError, flags.Error) as error:
        print(f"keras-lottery: {' '.join(str(error).split())}", file=sys.stderr)
        return USAGE_ERROR
    return 0


def _dispatch(words: list[str]) -> None:
    if not words or words[0] in ("help", "--help", "-h"):
        print(_overview())
        return
    name = words[0]
    if name not in COMMANDS:
        raise unknown_name("command", name, COMMANDS)
    values = flags.FlagValues()
    flags.DEFINE_bool("help", False, "Show this help.", short_name="h", flag_values=values)
    COMMANDS[name].define(values)
    overrides = {} if name != "run" else _overrides(words)
    left = values([name, *(w for w in words[1:] if not w.startswith(_OVERRIDE))])[1:]
    if values.help:
        print(_help(name, values))
    elif name == "list":
        _list(left)
    elif left:
        raise LotteryError(
            f"Expected flags such as --name=value only. Received: {left[0]!r}. "
            f"See keras-lottery {name} --help."
        )
    else:
        COMMANDS[name].run(values, overrides)


def _overrides(words: list[str]) -> dict[str, Any]:
    """Returns the values of `--config.a.b=c`, as Python literals where they are."""
    found = {}
    for word in words:
        if word.startswith(_OVERRIDE):
            name, equals, text = word.removeprefix(_OVERRIDE).partition("=")
            if not (name and equals):
                raise LotteryError(
                    f"Expected {_OVERRIDE}field=value. Received: {word!r}. Add the value."
                )
            found[name] = _literal(text)
    return found


def _literal(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return {"true": True, "false": False}.get(text.lower(), text)


def _overview() -> str:
    lines = ["keras-lottery finds, studies and ships sparse trainable networks.", ""]
    lines += [f"  keras-lottery {name:<7} {c.summary}" for name, c in COMMANDS.items()]
    lines += ["", "Each has flags of its own: keras-lottery run --help", "", "Start with:"]
    return "\n".join([*lines, f"  {COMMANDS['run'].example}"])


def _help(name: str, values: flags.FlagValues) -> str:
    command = COMMANDS[name]
    lines = [command.summary, "", "Example:", f"  {command.example}", "", "Flags:"]
    for flag in sorted(values):
        if flag != "h":
            default = values[flag].default
            shown = f" (default: {default})" if default not in (None, False, "") else ""
            lines.append(f"  --{flag:<13} {values[flag].help}{shown}")
    if name == "run":
        lines.append(f"  {_OVERRIDE}a.b=c  Override any field, e.g. --config.prune.rounds=5")
    return "\n".join(lines)


def _define_run(values: flags.FlagValues) -> None:
    _text(values, "config", None, "Name of a config (see `list configs`), or path of a file.")
    _text(values, "out", None, "Folder in which the run folder is made.")
    _text(values, "backend", None, "auto, tensorflow, jax or torch.")
    _text(values, "executor", None, "Who trains (see `list executors`).")
    _text(values, "distribution", None, "none, mirrored or tpu (TensorFlow), data_parallel (JAX).")
    _text(values, "tpu", None, "Name or address of the TPU.")
    _text(values, "seeds", None, "Seeds, such as 0,1,2.")
    flags.DEFINE_bool("report", True, "Draw the report when done.", flag_values=values)
    flags.DEFINE_bool("export", False, "Export the ticket of `export`.", flag_values=values)


def _run(values: flags.FlagValues, overrides: dict[str, Any]) -> None:
    name = _required(values, "config", "run")
    for flag in _SHORT:
        if values[flag].value is not None:
            overrides[flag] = _literal(values[flag].value)
    settings = presets.load(name, overrides)
    settings["backend"] = _choose_backend(settings)
    config = configs.freeze(settings)
    from keras_lottery import engine

    folder = engine.run(config)
    print(f"run folder: {folder}")
    if values.report:
        _show_report(folder)
    if values.export:
        _export_once(folder)


def _export_once(folder: Path) -> None:
    """Exports into the run folder, unless an earlier call has."""
    from keras_lottery.export import export_run

    out = folder / "export"
    if out.exists():
        print(f"exported model: {out} (from an earlier call)")
    else:
        print(export_run(folder, out=out))


def _choose_backend(settings: Any) -> str:
    """Settles `auto` and tells Keras, which reads its backend when it is first imported."""
    wanted = settings.get("backend", "auto")
    distribution = settings.get("distribution", "none")
    if wanted not in configs.BACKENDS:
        raise unknown_name("backend", str(wanted), configs.BACKENDS)
    if wanted == "auto":
        needed = {"mirrored": "tensorflow", "tpu": "tensorflow", "data_parallel": "jax"}
        wanted = os.environ.get("KERAS_BACKEND") or needed.get(distribution) or _installed()
    if find_spec(wanted) is None:
        raise LotteryError(
            f"Expected an installed backend. Received: {wanted}. "
            f"Run: pip install 'keras-lottery[{wanted}]'"
        )
    os.environ["KERAS_BACKEND"] = wanted
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return str(wanted)


def _installed() -> str:
    for backend in ("jax", "tensorflow", "torch"):
        if find_spec(backend) is not None:
            return backend
    raise LotteryError(
        "Expected tensorflow, jax or torch. Received: none is installed. "
        "Run: pip install 'keras-lottery[jax]'"
    )


def _define_report(values: flags.FlagValues) -> None:
    _text(values, "run", None, "Run folder.")


def _report(values: flags.FlagValues, _: dict[str, Any]) -> None:
    _show_report(Path(_required(values, "run", "report")))


def _show_report(folder: Path) -> None:
    from rich.console import Console

    from keras_lottery import report

    files = report.build(folder)
    console = Console()
    console.print(report.terminal_table(folder))
    for sentence in report.headline(folder):
        console.print(sentence, highlight=False)
    print(f"figure: {files.figure}\nreport: {files.html}")


def _define_export(values: flags.FlagValues) -> None:
    _text(values, "run", None, "Run folder.")
    _text(values, "out", None, "Folder or file to write; must not be there yet.")
    _text(values, "format", "saved_model", "saved_model or keras.")
    _text(values, "arm", "winning", "Which arm's trained weights.")
    flags.DEFINE_integer(
        "seed", None, "Which seed; the run's first if left out.", flag_values=values
    )
    flags.DEFINE_integer(
        "round",
        None,
        "Which round; if left out the sparsest whose mean is within a standard deviation of dense.",
        flag_values=values,
    )


def _export(values: flags.FlagValues, _: dict[str, Any]) -> None:
    folder = Path(_required(values, "run", "export"))
    out = Path(_required(values, "out", "export"))
    _backend_for_tools()
    from keras_lottery.export import export_run

    where = {"seed": values.seed, "round": values.round, "arm": values.arm}
    print(export_run(folder, out=out, format=values.format, **where))


def _define_prune(values: flags.FlagValues) -> None:
    _text(values, "model", None, "A .keras file.")
    _text(values, "out", None, "The .keras file to write.")
    flags.DEFINE_float("sparsity", None, "Fraction to remove, in [0, 1).", flag_values=values)
    _text(values, "criterion", "magnitude", "How weights are scored (see `list criteria`).")
    _text(values, "scope", "global", "How pruning is shared out (see `list scopes`).")


def _prune(values: flags.FlagValues, _: dict[str, Any]) -> None:
    model = Path(_required(values, "model", "prune"))
    out = Path(_required(values, "out", "prune"))
    sparsity = _required(values, "sparsity", "prune")
    _backend_for_tools()
    from keras_lottery.export import prune_file

    print(prune_file(model, sparsity, out, criterion=values.criterion, scope=values.scope))


def _backend_for_tools() -> None:
    """Takes the user's backend, or whichever is installed."""
    _choose_backend({"backend": "auto"})


def _list(kinds: list[str]) -> None:
    for kind in kinds or KINDS:
        if kind not in KINDS:
            raise unknown_name("kind", kind, KINDS)
        print(f"{kind}: {', '.join(KINDS[kind]())}")


def _nothing(*_: Any) -> None:
    """`list` takes words, not flags."""


def _names(module: str, registry: str) -> Callable[[], list[str]]:
    def names() -> list[str]:
        from importlib import import_module

        _backend_for_tools()
        return list(getattr(import_module(f"keras_lottery.{module}"), registry))

    return names


def _text(values: flags.FlagValues, name: str, default: str | None, text: str) -> None:
    flags.DEFINE_string(name, default, text, flag_values=values)


def _required(values: flags.FlagValues, name: str, command: str) -> Any:
    if values[name].value is None:
        raise LotteryError(
            f"Expected --{name}. Received none. Example: {COMMANDS[command].example}"
        )
    return values[name].value


KINDS: dict[str, Callable[[], list[str]]] = {
    "configs": presets.names,
    "tasks": lambda: list(task_schemas),
    "datasets": _names("tasks.vision.data", "datasets"),
    "models": _names("tasks.vision.models", "models"),
    "arms": _names("arms", "arms"),
    "criteria": _names("pruning", "criteria"),
    "scopes": _names("pruning", "allocations"),
    "executors": _names("engine", "executors"),
    "formats": _names("export", "exporters"),
}

COMMANDS = {
    "run": Command(
        "Runs an experiment, or goes on with it.",
        "keras-lottery run --config=quickstart --config.prune.rounds=5",
        _define_run,
        _run,
    ),
    "report": Command(
        "Draws the figures and the page of a run.",
        "keras-lottery report --run=runs/quickstart-1a2b3c4d",
        _define_report,
        _report,
    ),
    "export": Command(
        "Ships the trained network of a ticket, verified.",
        "keras-lottery export --run=runs/quickstart-1a2b3c4d --seed=0 --round=5 --out=model",
        _define_export,
        _export,
    ),
    "prune": Command(
        "Prunes a .keras file.",
        "keras-lottery prune --model=model.keras --sparsity=0.9 --out=pruned.keras",
        _define_prune,
        _prune,
    ),
    "list": Command(
        "Lists what is known: configs, tasks, arms, criteria, ...",
        "keras-lottery list criteria",
        _nothing,
        _nothing,
    ),
}
