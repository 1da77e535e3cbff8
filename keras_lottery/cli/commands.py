"""The commands: help, flags and action of each."""

import ast
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from absl import flags

from keras_lottery import config as configs
from keras_lottery import studies, user_modules
from keras_lottery.cli.choose import (
    backend_for_run,
    backend_for_tools,
    choose_and_import,
    executed,
)
from keras_lottery.config import presets
from keras_lottery.errors import LotteryError, printable
from keras_lottery.records.run_paths import paths_of

# Fields of the config with their own flag.
_SHORT = ("out", "backend", "executor", "workers", "threads", "distribution", "tpu", "seeds")
_NUMBERS = ("seeds", "workers", "threads")


@dataclass(frozen=True)
class Command:
    """One command: help, flags and action.

    `run` gets the flags, and the `--config.a.b=c` overrides by field.
    """

    summary: str
    example: str
    define: Callable[[flags.FlagValues], None]
    run: Callable[[flags.FlagValues, dict[str, Any]], None]


def _define_run(values: flags.FlagValues) -> None:
    _text(values, "config", None, "Name (see `list configs`) or path of a config, then :variant.")
    _text(values, "out", None, "Parent folder of the run folder.")
    _text(values, "backend", None, "auto, tensorflow, jax or torch.")
    text = "sequential, processes (trainings in parallel), or auto, which reports its choice."
    _text(values, "executor", None, text)
    _text(values, "workers", None, "Number of parallel trainings.")
    _text(values, "threads", None, "Threads of each training; fixed when a run starts.")
    _text(values, "distribution", None, "none, mirrored or tpu (TensorFlow), data_parallel (JAX).")
    _text(values, "tpu", None, "Name or address of the TPU.")
    _text(values, "seeds", None, "Seeds, such as 0,1,2.")
    flags.DEFINE_bool("report", True, "Draw the report when done.", flag_values=values)
    text = "Export the model that `export` picks by default, into <run folder>/export."
    flags.DEFINE_bool("export", False, text, flag_values=values)


def _run(values: flags.FlagValues, overrides: dict[str, Any]) -> None:
    name = _required(values, "config", "run")
    for flag in _SHORT:
        if values[flag].value is not None:
            text = values[flag].value
            overrides[flag] = literal(text) if flag in _NUMBERS else text
    settings = presets.load(name, overrides)
    settings["backend"] = choose_and_import(settings, modules_of(values))
    config = executed(_frozen(settings, name, overrides))
    if values.export:
        from keras_lottery.exporters import check_exportable

        check_exportable(config)
    folder = studies.run(config)
    print(f"run folder: {folder}")
    if values.report:
        _show_report(folder)
    if values.export:
        _export_once(folder)


def _frozen(settings: Any, name: str, overrides: dict[str, Any]) -> configs.Config:
    """Returns the config to run, without the file's fields that the overrides make ineffective.

    A run begun by an earlier version, which checked less, resumes with the fields that it has.
    """
    config = configs.freeze(settings, allow_unread=True)
    if paths_of(config).config.exists() and not configs.misses_arms(config):
        return config
    settings, dropped = presets.settled(settings, name, overrides | {"backend": None})
    if dropped:
        print(
            f"note: left out {', '.join(dropped)} of {name}, which your flags make ineffective",
            file=sys.stderr,
        )
    return configs.freeze(settings)


def _export_once(folder: Path) -> None:
    """Exports into the run folder, unless an earlier call did."""
    from keras_lottery.exporters import export_run

    out = folder / "export"
    if out.exists():
        print(f"exported model: {out} (from an earlier call)")
    else:
        print(export_run(folder, out=out))


def _define_report(values: flags.FlagValues) -> None:
    _text(values, "run", None, "Run folder.")


def _report(values: flags.FlagValues, _: dict[str, Any]) -> None:
    folder = Path(_required(values, "run", "report"))
    if modules_of(values) or user_modules.plugins():  # a report alone needs no backend
        backend_for_run(folder, modules_of(values))
    _show_report(folder)


def _show_report(folder: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    from keras_lottery import report

    files = report.build(folder)
    console = Console()
    console.print(report.terminal_table(folder))
    for sentence in files.headline:
        console.print(Text(printable(sentence)))
    if files.figures:
        print(f"figure: {files.figure}")
    print(f"report: {files.html}")


def _define_export(values: flags.FlagValues) -> None:
    _text(values, "run", None, "Run folder.")
    _text(values, "out", None, "Folder or file to write; must not exist.")
    _define_format(values, "saved_model")
    _text(values, "arm", "winning", "Arm whose trained weights to export.")
    flags.DEFINE_integer("seed", None, "Seed; default: the run's first.", flag_values=values)
    flags.DEFINE_integer(
        "round",
        None,
        "Round; default: the sparsest whose mean is within one standard deviation of dense.",
        flag_values=values,
    )


def _export(values: flags.FlagValues, _: dict[str, Any]) -> None:
    folder = Path(_required(values, "run", "export"))
    out = Path(_required(values, "out", "export"))
    backend_for_run(folder, modules_of(values))
    from keras_lottery.exporters import export_run

    where = {"seed": values.seed, "round": values.round, "arm": values.arm}
    print(export_run(folder, out=out, **where, **_format(values)))


def _define_format(values: flags.FlagValues, default: str) -> None:
    """Defines the flags that choose what is written."""
    _text(values, "format", default, "Format to write (see `list formats`).")
    _text(values, "quantize", None, "int8: quantize the weights.")
    flags.DEFINE_bool(
        "compact", False, "Remove pruned channels from the layers.", flag_values=values
    )
    text = "Also write and measure the dense network, then delete it."
    flags.DEFINE_bool("dense", True, text, flag_values=values)


def _format(values: flags.FlagValues) -> dict[str, Any]:
    return {name: values[name].value for name in ("format", "quantize", "compact", "dense")}


def _define_prune(values: flags.FlagValues) -> None:
    _text(values, "model", None, "A .keras file.")
    _text(values, "out", None, "Folder or file to write; must not exist.")
    _define_format(values, "keras")
    flags.DEFINE_float("sparsity", None, "Fraction to remove, in [0, 1).", flag_values=values)
    _define_selection(values)
    _text(values, "scope", "global", "Allocation of sparsity to layers (see `list scopes`).")
    flags.DEFINE_float("flops", None, "Fraction of the FLOPs to remove.", flag_values=values)
    flags.DEFINE_integer(
        "bytes", None, "Target size of the parameters in bytes.", flag_values=values
    )
    for name, default, text in (
        ("biases", False, "Prune biases too."),
        ("norms", False, "Prune the scales and shifts of normalization layers too."),
        ("embeddings", True, "Prune embeddings."),
        ("output", True, "Prune the output layer."),
    ):
        flags.DEFINE_bool(name, default, text, flag_values=values)
    _text(values, "output_layer", "", "Pattern of the output layer, if it is not detected.")


def _prune(values: flags.FlagValues, _: dict[str, Any]) -> None:
    model = Path(_required(values, "model", "prune"))
    out = Path(_required(values, "out", "prune"))
    if values.flops is None and values.bytes is None:
        _required(values, "sparsity", "prune")
    backend_for_tools(modules_of(values))
    from keras_lottery.exporters import prune_file

    report = prune_file(
        model,
        values.sparsity,
        out,
        criterion=values.criterion,
        scope=values.scope,
        include=values.include,
        exclude=values.exclude,
        biases=values.biases,
        norms=values.norms,
        embeddings=values.embeddings,
        output=values.output,
        output_layer=values.output_layer,
        pattern=values.pattern,
        flops=values.flops,
        bytes=values.bytes,
        **_format(values),
    )
    print(report)


def _define_sensitivity(values: flags.FlagValues) -> None:
    _text(values, "model", None, "A .keras file.")
    _text(values, "data", None, "An .npz file with the arrays x and y.")
    _text(values, "out", None, "Folder for sensitivity.csv and sensitivity.png.")
    _text(values, "loss", None, "Keras name of the loss; default: the file's.")
    text = "Fractions to remove of each layer, in (0, 1)."
    flags.DEFINE_list("sparsities", ["0.5", "0.8", "0.9"], text, flag_values=values)
    _define_selection(values)


def _define_selection(values: flags.FlagValues) -> None:
    """Defines the flags that choose what is pruned, and by which criterion."""
    _text(values, "criterion", "magnitude", "Pruning criterion (see `list criteria`).")
    _text(values, "pattern", "weights", "Prune weights, channels, N of M (2:4) or block:4x4.")
    for name, text in (
        ("include", "Patterns of paths or layer names: prune only these."),
        ("exclude", "Patterns of paths or layer names to skip, such as */output/*."),
    ):
        flags.DEFINE_list(name, [], text, flag_values=values)


def _sensitivity(values: flags.FlagValues, _: dict[str, Any]) -> None:
    model = _required(values, "model", "sensitivity")
    data = _required(values, "data", "sensitivity")
    backend_for_tools(modules_of(values))
    from keras_lottery.exporters import sensitivity_file

    table = sensitivity_file(
        model,
        data,
        [literal(text) for text in values.sparsities],
        values.out,
        loss=values.loss,
        pattern=values.pattern,
        criterion=values.criterion,
        include=values.include,
        exclude=values.exclude,
    )
    print(table)
    if values.out:
        print(f"figure: {Path(values.out) / 'sensitivity.png'}")


def _nothing(*_: Any) -> None:
    """Does nothing; `list` takes no flags."""


def modules_of(values: flags.FlagValues) -> list[str]:
    """Returns the modules named with `--import`."""
    return [name.strip() for entry in values["import"].value for name in entry.split(",")]


def literal(text: str) -> Any:
    """Returns the value of a Python literal, or the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return {"true": True, "false": False}.get(text.lower(), text)


def _names(module: str, registry: str) -> Callable[[], list[str]]:
    def names() -> list[str]:
        from importlib import import_module

        backend_for_tools()
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
    "configs": presets.listing,
    "tasks": _names("tasks", "task_schemas"),
    "studies": _names("studies", "study_schemas"),
    "datasets": _names("tasks.vision.data", "datasets"),
    "environments": _names("tasks.rl.environments", "environments"),
    "models": _names("tasks.vision.models", "models"),
    "arms": _names("arms", "arms"),
    "criteria": _names("pruning", "criteria"),
    "scopes": _names("pruning", "allocations"),
    "patterns": _names("pruning", "patterns"),
    "executors": _names("engine", "executors"),
    "formats": _names("exporters", "exporters"),
}

COMMANDS = {
    "run": Command(
        "Runs or resumes an experiment.",
        "keras-lottery run --config=quickstart --config.prune.rounds=5",
        _define_run,
        _run,
    ),
    "report": Command(
        "Writes the report of a run.",
        "keras-lottery report --run=runs/quickstart-1a2b3c4d",
        _define_report,
        _report,
    ),
    "export": Command(
        "Exports the trained network of a ticket, and verifies it.",
        "keras-lottery export --run=runs/quickstart-1a2b3c4d --seed=0 --round=5 --out=model",
        _define_export,
        _export,
    ),
    "prune": Command(
        "Prunes a .keras file, and writes it in any format.",
        "keras-lottery prune --model=model.keras --sparsity=0.9 --out=pruned.keras",
        _define_prune,
        _prune,
    ),
    "sensitivity": Command(
        "Measures the loss of a .keras file with one layer pruned at a time.",
        "keras-lottery sensitivity --model=model.keras --data=validation.npz --out=sensitivity",
        _define_sensitivity,
        _sensitivity,
    ),
    "list": Command(
        f"Lists the known {', '.join(KINDS)}.",
        "keras-lottery list criteria",
        _nothing,
        _nothing,
    ),
}
