"""Which executor an experiment takes, with how many workers and threads."""

import os
import sys
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

from keras_lottery.arms import arms
from keras_lottery.config import Config
from keras_lottery.engine.executors.pool import visible_gpus
from keras_lottery.engine.executors.threads import cores
from keras_lottery.engine.graph import trainings
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_config
from keras_lottery.records.run_paths import paths_of
from keras_lottery.types import Training

_STUDIES = ("tickets", "transfer")
"""Those whose trainings an executor gets; the others train in a loop of their own."""

_WORKER_BYTES = 2**30
"""What a worker takes at least: a backend and a compiled program."""


@dataclass(frozen=True)
class Choice:
    """A config whose executor, workers and threads are decided.

    Args:
        config: for this run.
        reason: one line for the user; empty where nothing had to be decided.
    """

    config: Config
    reason: str = ""


def choose(config: Config) -> Choice:
    """Decides how an experiment is trained, before any backend is imported.

    A run that was begun keeps its number of threads, on which results depend.

    Raises:
        LotteryError: the workers or the threads don't fit the experiment.
    """
    began, threads = _recorded(config)
    if began and config.threads not in (None, threads):
        raise LotteryError(
            f"Expected the number of threads with which the run was begun: {threads or 'all'}. "
            f"Received: --threads={config.threads}. Leave it out, or choose another --out."
        )
    threads = threads if began else config.threads
    if config.executor == "auto":
        reason = _against_processes(config, began and threads is None)
        executor = "sequential" if reason else "processes"
    else:
        executor, reason = config.executor, ""
    if executor != "processes":
        workers = None if config.executor == "auto" else config.workers
        chosen = replace(config, executor=executor, threads=threads, workers=workers)
        return Choice(chosen, reason and f"one training at a time: {reason}")
    return _side_by_side(config, began, threads)


def _side_by_side(config: Config, began: bool, threads: int | None) -> Choice:
    if began and threads is None:
        raise LotteryError(
            "Expected --executor=sequential for a run that was begun with all cores for each "
            "training. Received: processes. Leave it out, or choose another --out."
        )
    if config.distribution != "none":
        raise LotteryError(
            f"Expected no --distribution with --executor=processes, each of whose trainings has "
            f"one device. Received: {config.distribution}. Leave one of them out."
        )
    plan, gpus = len(trainings(config)), visible_gpus()
    if config.study == "tickets" and (config.workers or 0) > plan:
        raise LotteryError(
            f"Expected at most as many workers as there are trainings, {plan}. "
            f"Received: {config.workers}. Lower --workers."
        )
    threads = threads or (1 if len(gpus) < 2 else max(1, cores() // len(gpus)))
    room = len(gpus) if len(gpus) > 1 else min(cores() // threads, _that_fit())
    workers = config.workers or max(1, min(room, _width(config)))
    reason = (
        f"{workers} trainings side by side with {threads} thread{'s' * (threads > 1)} each "
        "(--executor=sequential: one at a time)"
    )
    chosen = replace(config, executor="processes", threads=threads, workers=workers)
    return Choice(chosen, reason if config.executor == "auto" else "")


def _against_processes(config: Config, has_all_cores: bool) -> str:
    """Returns why trainings don't run side by side; empty if they do."""
    reasons = {
        f"the study {config.study!r} has an order of its own": config.study not in _STUDIES,
        f"--distribution={config.distribution} needs all devices": config.distribution != "none",
        "the run was begun with all cores for each training": has_all_cores,
        "Keras is already imported, with all cores": _is_imported(),
        "each needs the one before": _width(config) < 2,
        "there is one GPU": len(visible_gpus()) == 1,
        "there is one core": cores() < 2,
        "memory is short": _that_fit() < 2,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_imported() -> bool:
    return "keras" in sys.modules


def _recorded(config: Config) -> tuple[bool, int | None]:
    """Returns whether the run was begun, and with how many threads."""
    paths = paths_of(config)
    if not paths.config.is_file():
        return False, None
    threads = read_config(paths)["config"].get("threads")
    return True, threads if isinstance(threads, int) else None


def _width(config: Config) -> int:
    """Returns how many trainings are ready at a time, at most."""

    @cache
    def depth(training: Training) -> int:
        return 1 + max(
            (depth(parent) for parent in arms[training.arm].parents(training)), default=0
        )

    if config.study == "transfer":  # its searches and targets have plans of their own
        return len(config.seeds) * max(1, len(config.arms))
    return max(Counter(depth(training) for training in trainings(config)).values())


def _that_fit() -> int:
    """Returns how many workers the free memory has room for."""
    try:
        pages = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on every system
        return cores()
    return int(pages // _WORKER_BYTES)
