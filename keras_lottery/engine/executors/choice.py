"""Chooses the executor of an experiment, and its number of workers and threads."""

import sys
from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

from keras_lottery.arms import arms
from keras_lottery.config import Config, study_schemas
from keras_lottery.engine.executors.pool import visible_gpus
from keras_lottery.engine.executors.threads import cores
from keras_lottery.engine.graph import trainings
from keras_lottery.errors import LotteryError
from keras_lottery.memory import available_bytes
from keras_lottery.records import read_config
from keras_lottery.records.run_paths import paths_of
from keras_lottery.types import Training

PARALLEL = ("processes", "ray")
"""Executors that train several networks at a time."""

_WORKER_BYTES = 2**30
"""Minimum memory of a worker: a backend and a compiled program."""


@dataclass(frozen=True)
class Choice:
    """A config with executor, workers and threads chosen.

    Args:
        config: config of this run.
        reason: one line for the user; empty if nothing had to be chosen.
    """

    config: Config
    reason: str = ""


def choose(config: Config) -> Choice:
    """Chooses how an experiment is trained, before any backend is imported.

    A resumed run keeps its number of threads, since results depend on it.

    Raises:
        LotteryError: the workers or the threads don't fit the experiment.
    """
    check_study(config)
    began, threads, recorded = _recorded(config)
    if began and config.threads not in (None, threads):
        raise LotteryError(
            f"Expected the threads per training that the run was started with, {threads or 'all'}: "
            f"they can't change on resume. Received: --threads={config.threads}. Leave --threads "
            "out, or choose another --out."
        )
    threads = threads if began else config.threads
    if config.executor == "vectorized" or (config.executor == "auto" and recorded == "vectorized"):
        return _one_program(config, threads)
    if config.executor == "auto":
        reason = _against_processes(config, began and threads is None)
        executor = "sequential" if reason else "processes"
    else:
        executor, reason = config.executor, ""
    if executor not in PARALLEL:
        workers = None if config.executor == "auto" else config.workers
        chosen = replace(config, executor=executor, threads=threads, workers=workers)
        return Choice(chosen, reason and f"one training at a time: {reason}")
    _check_parallel(config, executor, has_all_cores=began and threads is None)
    if executor == "ray":  # it knows its cluster's size when it has connected
        return Choice(replace(config, threads=threads or 1))
    return _side_by_side(config, threads)


def check_study(config: Config) -> None:
    """Raises LotteryError for an executor that the config's study doesn't use."""
    schema, reason = study_schemas[config.study], ""
    if config.executor == "vectorized" and not schema.has_arms:
        reason = "trains in its own order"
    if config.executor in PARALLEL and not schema.executes:
        reason = "trains one network at a time itself"
    if reason:
        raise LotteryError(
            f"Expected --executor=sequential with the study {config.study!r}, which {reason}. "
            f"Received: {config.executor}. Leave --executor out."
        )


def _one_program(config: Config, threads: int | None) -> Choice:
    _check_workers(config)
    reason = "many trainings as one program, as the run was started"
    chosen = replace(config, executor="vectorized", threads=threads)
    return Choice(chosen, reason if config.executor == "auto" else "")


def _check_parallel(config: Config, executor: str, has_all_cores: bool) -> None:
    if has_all_cores:
        raise LotteryError(
            "Expected --executor=sequential for a run that was started with all cores for each "
            f"training. Received: {executor}. Leave it out, or choose another --out."
        )
    if config.distribution != "none":
        raise LotteryError(
            f"Expected no --distribution with --executor={executor}, which gives each training one "
            f"device. Received: {config.distribution}. Leave one of them out."
        )
    _check_workers(config)


def _side_by_side(config: Config, threads: int | None) -> Choice:
    gpus = visible_gpus()
    threads = threads or (1 if len(gpus) < 2 else max(1, cores() // len(gpus)))
    capacity = len(gpus) or min(cores() // threads, _that_fit())
    workers = config.workers or max(1, min(capacity, width(config)))
    reason = (
        f"{workers} trainings in parallel with {threads} thread{'s' * (threads > 1)} each "
        "(--executor=sequential: one at a time)"
    )
    chosen = replace(config, executor="processes", threads=threads, workers=workers)
    return Choice(chosen, reason if config.executor == "auto" else "")


def _check_workers(config: Config) -> None:
    plan = len(trainings(config))
    if config.study == "tickets" and (config.workers or 0) > plan:
        raise LotteryError(
            f"Expected at most as many workers as there are trainings, {plan}. "
            f"Received: {config.workers}. Lower --workers."
        )


def _against_processes(config: Config, has_all_cores: bool) -> str:
    """Returns why trainings don't run in parallel; empty if they do."""
    has_arms = study_schemas[config.study].has_arms
    reasons = {
        f"the study {config.study!r} trains in its own order": not has_arms,
        f"--distribution={config.distribution} needs all devices": config.distribution != "none",
        "the run was started with all cores for each training": has_all_cores,
        "this process has already imported Keras": _is_imported(),
        "each training needs the one before": width(config) < 2,
        "there is one GPU": len(visible_gpus()) == 1,
        "there is one core": cores() < 2,
        "memory is short": _that_fit() < 2,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_imported() -> bool:
    return "keras" in sys.modules


def _recorded(config: Config) -> tuple[bool, int | None, str]:
    """Returns whether the run was started, with how many threads, and with which executor."""
    paths = paths_of(config)
    if not paths.config.is_file():
        return False, None, ""
    recorded = read_config(paths)["config"]
    threads = recorded.get("threads")
    return True, threads if isinstance(threads, int) else None, str(recorded.get("executor"))


def width(config: Config) -> int:
    """Returns the largest number of trainings that can be ready at a time."""

    @cache
    def depth(training: Training) -> int:
        return 1 + max(
            (depth(parent) for parent in arms[training.arm].parents(training)), default=0
        )

    if config.study == "transfer":  # its searches and targets have their own plans
        return len(config.seeds) * max(1, len(config.arms))
    return max(Counter(depth(training) for training in trainings(config)).values())


def _that_fit() -> int:
    """Returns how many workers fit into available memory; as many as cores if it isn't known."""
    available = available_bytes()
    return cores() if available is None else available // _WORKER_BYTES
