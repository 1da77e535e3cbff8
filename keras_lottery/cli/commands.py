"""The commands for runs: `run`, `report` and `export`; and the table of all commands."""

import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from absl import flags
from ml_collections import ConfigDict

from keras_lottery import config as configs
from keras_lottery import studies, user_modules
from keras_lottery.checks import file_path
from keras_lottery.cli.choose import (
    backend_for_run,
    backend_for_tools,
    choose_and_import,
    chosen_executor,
    prepare_executor,
)
from keras_lottery.cli.command import (
    Command,
    define_format,
    format_of,
    literal,
    modules_of,
    required,
    text_flag,
)
from keras_lottery.cli.file_commands import PRUNE, SENSITIVITY
from keras_lottery.cli.report_cache import show_report
from keras_lottery.cli.show import SHOW
from keras_lottery.config import presets
from keras_lottery.engine.plan import Plan, plan_of
from keras_lottery.engine.progress import duration
from keras_lottery.errors import LotteryError, printable
from keras_lottery.records import check_tracked, check_tracker
from keras_lottery.records.run_paths import paths_of

# Fields of the config with their own flag.
_SHORT = (
    "out", "backend", "executor", "workers", "threads", "ray", "distribution", "tpu", "seeds",
)  # fmt: skip
_NUMBERS = ("seeds", "workers", "threads")


def _define_run(values: flags.FlagValues) -> None:
    text_flag(values, "config", None, "Config name or .py path; append :variant to select one.")
    text_flag(values, "out", None, "Parent folder of the run folder; default: the config's, runs.")
    text_flag(values, "backend", None, "auto, tensorflow, jax or torch.")
    text = "sequential; processes or ray (in parallel); vectorized (one program, JAX); or auto."
    text_flag(values, "executor", None, text)
    text_flag(values, "workers", None, "Number of networks to train in parallel.")
    text_flag(values, "threads", None, "CPU threads per training; can't change on resume.")
    text = "auto or HOST:PORT of a Ray cluster; implies --executor=ray."
    text_flag(values, "ray", None, text)
    text_flag(
        values, "distribution", None, "none, mirrored or tpu (TensorFlow), data_parallel (JAX)."
    )
    text_flag(values, "tpu", None, "Name or address of the TPU.")
    text_flag(values, "seeds", None, "Seeds, such as 0,1,2.")
    flags.DEFINE_bool("report", True, "Write the report at the end.", flag_values=values)
    text = (
        "Also export the default ticket (see export --round), a SavedModel, to <run folder>/export."
    )
    flags.DEFINE_bool("export", False, text, flag_values=values)
    text = "Only print what would be trained and the estimated time, measured on a few steps."
    flags.DEFINE_bool("dry_run", False, text, flag_values=values)
    _define_track(values)


def _run(values: flags.FlagValues, overrides: dict[str, Any]) -> None:
    name = required(values, "config", RUN.example)
    for place in values.track:  # before anything is trained
        check_tracker(place)
    if values.track and not values.report:
        raise LotteryError(
            f"Expected --track with the report that writes there. Received: --track="
            f"{','.join(values.track)} and --noreport. Remove one of them."
        )
    for flag in _SHORT:
        if values[flag].value is not None:
            text = values[flag].value
            overrides[flag] = literal(text) if flag in _NUMBERS else text
    if "ray" in overrides:
        overrides.setdefault("executor", "ray")
    settings = presets.load(name, overrides)
    settings["backend"] = choose_and_import(
        settings, modules_of(values), lambda: _earlier_backend(settings, name, overrides)
    )
    config = _frozen(settings, name, overrides)
    check_tracked(config.study, values.track)
    config = chosen_executor(config) if values.dry_run else prepare_executor(config)
    if values.export:
        from keras_lottery.exporters import check_exportable

        check_exportable(config)
    _announce(config, values.dry_run)
    if values.dry_run:
        return
    folder = studies.run(config)
    print(f"run folder: {folder}")
    if values.report:
        show_report(folder, values.track)
    if values.export:
        _export_once(folder)


def _announce(config: configs.Config, measure: bool) -> None:
    """Prints what a run trains, and about how long it takes if that is known or measured."""
    plan = plan_of(config)
    if plan is None:
        seeds = ", ".join(map(str, config.seeds))
        print(f"{config.name}: the study {config.study!r} with the seeds {seeds}", flush=True)
    else:
        print(f"{config.name}: {'; '.join(plan.lines())}", flush=True)
    each = None
    if measure and (plan is None or plan.left):
        from keras_lottery.engine.measure import mean_seconds

        each = mean_seconds(config, plan.left if plan else [])
    if line := _estimate(plan, each):
        print(line)
    if measure:
        print(f"nothing was written; the run folder will be {paths_of(config).root}")


def _estimate(plan: Plan | None, each: float | None) -> str:
    """Returns the sentence on the time that a run takes; empty if nothing is left to train."""
    if plan is None and each is not None:
        return f"one training takes about {duration(each)}; the study sets how many"
    if plan is None or not plan.left:
        return ""
    if each is None and plan.seconds_each is None:
        return "estimated time: shown with the progress of the first training, or by --dry_run"
    how_many = f"{plan.workers} in parallel" if plan.workers > 1 else "one at a time"
    return f"estimated time: {plan.time_left(each)}, training {how_many}"


def _frozen(settings: Any, name: str, overrides: dict[str, Any]) -> configs.Config:
    """Returns the config to run, with a note on the file's fields that it ignores."""
    config, dropped = _settled(settings, name, overrides)
    if dropped:
        print(
            f"note: ignoring {', '.join(dropped)} from {name}: unused with these flags",
            file=sys.stderr,
        )
    return config


def _settled(
    settings: Any, name: str, overrides: dict[str, Any]
) -> tuple[configs.Config, list[str]]:
    """Returns the config without the file's fields that the overrides make ineffective, and these.

    A run started by an earlier version, which checked less, resumes with the fields that it has.
    """
    config = configs.freeze(settings, allow_unread=True)
    if paths_of(config).config.exists() and not configs.misses_arms(config):
        return config, []
    settings, dropped = presets.settled(settings, name, overrides | {"backend": None})
    return configs.freeze(settings), dropped


def _earlier_backend(settings: Any, name: str, overrides: dict[str, Any]) -> str:
    """Returns the backend of the run that the same flags resume; empty if there is none."""
    for backend in configs.BACKENDS[1:]:
        with suppress(LotteryError):  # raised again when the config is frozen
            on_backend = ConfigDict(settings.to_dict() | {"backend": backend})
            config, _ = _settled(on_backend, name, overrides)
            if paths_of(config).config.exists():
                return backend
    return ""


def _export_once(folder: Path) -> None:
    """Exports into the run folder, unless an earlier call did."""
    from keras_lottery.exporters import export_run

    out = folder / "export"
    if out.exists():
        print(f"exported model: {out} (from an earlier call)")
    else:
        print(export_run(folder, out=out))


def _define_report(values: flags.FlagValues) -> None:
    text_flag(values, "run", None, "Run folder.")
    _define_track(values)


def _define_track(values: flags.FlagValues) -> None:
    text = "Also write the trainings to wandb or mlflow, as new runs, with the report."
    flags.DEFINE_list("track", [], text, flag_values=values)


def _report(values: flags.FlagValues, _: dict[str, Any]) -> None:
    folder = file_path(required(values, "run", REPORT.example), "--run")
    if modules_of(values) or user_modules.plugins():  # a report alone needs no backend
        backend_for_run(folder, modules_of(values))
    show_report(folder, values.track)


def _define_export(values: flags.FlagValues) -> None:
    text_flag(values, "run", None, "Run folder.")
    text_flag(values, "out", None, "Folder or file to write; must not exist.")
    define_format(values, "saved_model")
    text_flag(values, "arm", "winning", "Arm whose trained weights to export.")
    text = "Default: the lowest seed with trained weights of this arm."
    flags.DEFINE_integer("seed", None, text, flag_values=values)
    text = (
        "Default: the sparsest round whose mean is at most one standard deviation worse than "
        "dense; if none is, or with one seed, that with the best mean."
    )
    flags.DEFINE_integer("round", None, text, flag_values=values)


def _export(values: flags.FlagValues, _: dict[str, Any]) -> None:
    folder = file_path(required(values, "run", EXPORT.example), "--run")
    out = file_path(required(values, "out", EXPORT.example), "--out")
    backend_for_run(folder, modules_of(values))
    from keras_lottery.exporters import export_run

    where = {"seed": values.seed, "round": values.round, "arm": values.arm}
    print(export_run(folder, out=out, **where, **format_of(values)))


def _nothing(*_: Any) -> None:
    """Does nothing; `list` takes no flags."""


def _names(module: str, registry: str) -> Callable[[], dict[str, str]]:
    def names() -> dict[str, str]:
        from importlib import import_module

        backend_for_tools()
        entries = getattr(import_module(f"keras_lottery.{module}"), registry)
        return {name: printable(entries.describe(name)) for name in entries}

    return names


KINDS: dict[str, Callable[[], dict[str, str]]] = {
    "configs": presets.descriptions,
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

RUN = Command(
    "Runs or resumes an experiment.",
    "keras-lottery run --config=quickstart --config.prune.rounds=5",
    _define_run,
    _run,
)

REPORT = Command(
    "Writes the report of a run.",
    "keras-lottery report --run=runs/quickstart-1a2b3c4d",
    _define_report,
    _report,
)

EXPORT = Command(
    "Exports the trained network of a ticket, and verifies it.",
    "keras-lottery export --run=runs/quickstart-1a2b3c4d --seed=0 --round=5 --out=model",
    _define_export,
    _export,
)


def _tickets(*_: Any) -> None:
    from rich.console import Console

    from keras_lottery.tickets import preset_table

    table = preset_table()
    # A narrow terminal breaks the lines; rich would leave out columns.
    narrowest = Console(width=1000).measure(table).minimum
    Console(width=max(Console().width, narrowest)).print(table)
    print("Load one with kl.Ticket.from_preset(name).apply(model).")


COMMANDS = {
    "run": RUN,
    "show": SHOW,
    "report": REPORT,
    "export": EXPORT,
    "prune": PRUNE,
    "sensitivity": SENSITIVITY,
    "tickets": Command(
        "Lists the tickets that ship with the package.",
        "keras-lottery tickets",
        _nothing,
        _tickets,
    ),
    "list": Command(
        f"Lists the known {', '.join(KINDS)}.",
        "keras-lottery list criteria",
        _nothing,
        _nothing,
    ),
}
