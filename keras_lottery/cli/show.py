"""The command `show`: the status and the table of a run, even while it is running."""

from pathlib import Path
from typing import Any

from absl import flags
from filelock import FileLock, Timeout
from rich.console import Console

from keras_lottery import user_modules
from keras_lottery.checks import file_path
from keras_lottery.cli.choose import backend_for_run
from keras_lottery.cli.command import Command, modules_of, required, text_flag
from keras_lottery.engine.plan import Plan, plan_of
from keras_lottery.errors import LotteryError
from keras_lottery.records import load_config
from keras_lottery.records.run_paths import RunPaths


def _define(values: flags.FlagValues) -> None:
    text_flag(values, "run", None, "Run folder.")


def _show(values: flags.FlagValues, _: dict[str, Any]) -> None:
    folder = file_path(required(values, "run", SHOW.example), "--run")
    if modules_of(values) or user_modules.plugins():
        backend_for_run(folder, modules_of(values))
    config, _recorded = load_config(RunPaths(folder))
    plan = plan_of(config, folder)
    running = is_running(folder)
    print(f"{folder}: {status(plan, running)}")
    for line in plan.lines() if plan else []:
        print(line)
    if plan is None or any(row.finished for row in plan.rows):
        _show_table(folder, running)


def _show_table(folder: Path, running: bool) -> None:
    from keras_lottery import report

    try:
        Console().print(report.terminal_table(folder))
    except LotteryError:
        if not running:
            raise
        print("no table yet: nothing is finished")


def status(plan: Plan | None, running: bool) -> str:
    """Returns whether a run is going, finished or stopped, and the time left."""
    if running:
        return f"running, about {plan.time_left()} left" if plan else "running"
    if plan is None:
        return "not running"
    if plan.left:
        noun = "training" if len(plan.left) == 1 else "trainings"
        left = f"stopped with {len(plan.left)} {noun} left"
        return f"{left}; `run` with all its seeds, arms and rounds resumes it"
    return "finished"


def is_running(folder: Path) -> bool:
    """Returns whether a process holds the lock of a run folder."""
    file = folder / ".lock"
    if not file.is_file() or file.is_symlink():
        return False
    lock = FileLock(file, blocking=False)
    try:
        lock.acquire()
    except Timeout:  # an OSError itself
        return True
    except OSError:  # a read-only folder, whose lock can't be opened
        return False
    lock.release()
    return False


SHOW = Command(
    "Shows the status and the table of a run, even while it is running.",
    "keras-lottery show --run=runs/quickstart-1a2b3c4d",
    _define,
    _show,
)
