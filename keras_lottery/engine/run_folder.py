"""The run folder: created, resumed, and locked for one process at a time."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from keras_lottery import backend
from keras_lottery.arms.check_rows import check_rows
from keras_lottery.config import Config, differences, digest, imports, thaw
from keras_lottery.engine.claims import declared_claims
from keras_lottery.engine.result_changes import RESULTS_VERSION, checked_version
from keras_lottery.engine.union import united, with_rows
from keras_lottery.errors import LotteryError
from keras_lottery.files import write_text
from keras_lottery.protocols import Task
from keras_lottery.records import RESULTS_VERSION_KEY, ResultRow, load_config, read_results
from keras_lottery.records.run_paths import Place, RunPaths


def write_config(paths: RunPaths, config: Config, task: Task) -> None:
    """Writes config.json, or checks that an existing one belongs to the same experiment.

    Its `config` has the seeds, rounds, arms, draws and sources of all calls so far.

    Raises:
        LotteryError: the folder belongs to another config (the error names the differing fields),
            or a fix has changed its results, or the network has changed.
    """
    record: dict[str, Any] = {
        "hash": digest(config),
        "metric": task.metric,
        "higher_is_better": task.higher_is_better,
        "backend": backend.name(),
        "devices": backend.devices(),
        "versions": backend.versions(),
        RESULTS_VERSION_KEY: RESULTS_VERSION,
    }
    recorded: dict[str, Any] = {}
    if paths.config.exists():
        config, recorded, record[RESULTS_VERSION_KEY] = _continued(paths, config, task)
        # Seeds, rounds and arms may have grown; the versions stay those of the first call.
        record |= {k: recorded[k] for k in ("versions", "devices") if k in recorded}
    record["config"] = thaw(config)
    needs = recorded.get(imports.KEY, {}) | imports.needs_of(record["config"])
    record |= {imports.KEY: needs} if needs else {}
    record["claims"] = declared_claims(config, recorded, paths)
    Place(paths.root).check(paths.config)
    write_text(paths.config, json.dumps(record, indent=2, sort_keys=True) + "\n")


def _continued(paths: RunPaths, config: Config, task: Task) -> tuple[Config, dict[str, Any], int]:
    """Returns the united config, the contents of config.json, and the results version."""
    earlier, recorded = load_config(paths)
    if differ := differences(earlier, config):
        raise LotteryError(
            f"Expected a run folder of this config. Received: {paths.root}, created with different "
            f"values of {', '.join(differ)}. Choose another --out, or remove the folder."
        )
    _check_sources(earlier, config, paths)
    if paths.results.exists():
        _check_executor(paths, earlier, config)
        _check_backend(paths, earlier, config, recorded)
        rows = read_results(paths.results)
        check_rows(paths.results, rows, recorded)
        _check_network(paths, rows, task)
        if (
            RESULTS_VERSION_KEY not in recorded
        ):  # config.json has only the last call's seeds and arms
            earlier = with_rows(earlier, rows)
    version = checked_version(recorded, earlier, paths.root)
    return united(earlier, config), recorded, version


def _check_executor(paths: RunPaths, earlier: Config, config: Config) -> None:
    """Raises LotteryError if only one of two calls is vectorized: its rounding differs."""
    if (earlier.executor == "vectorized") != (config.executor == "vectorized"):
        raise LotteryError(
            f"Expected the executor that {paths.root} was started with, {earlier.executor}, since "
            f"vectorized trainings round differently from all others. Received: {config.executor}. "
            f"Use --executor={earlier.executor}, or choose another --out."
        )


def _check_backend(
    paths: RunPaths, earlier: Config, config: Config, recorded: Mapping[str, Any]
) -> None:
    """Raises LotteryError if results would be mixed with those of another backend, or threads."""
    was, now = recorded.get("backend"), backend.name()
    if was not in (None, now):
        raise LotteryError(
            f"Expected the backend that {paths.root} was started on, {was}. Received: {now}. Set "
            f"KERAS_BACKEND={was}, or choose another --out."
        )
    if earlier.threads != config.threads:
        raise LotteryError(
            f"Expected the threads per training that {paths.root} was started with, "
            f"{earlier.threads or 'all'}. Received: {config.threads or 'all'}. Continue it with "
            "`keras-lottery run`, which keeps them, or choose another --out."
        )


def _check_network(paths: RunPaths, rows: Sequence[ResultRow], task: Task) -> None:
    """Raises LotteryError if the network's total or prunable weights have changed."""
    infos = task.variables()
    sizes = (sum(i.size for i in infos), sum(i.size for i in infos if i.prunable))
    for row in rows:
        if not row.source and (row.total, row.prunable) != sizes:
            raise LotteryError(
                f"Expected the network of {paths.results}, with {row.prunable} prunable weights "
                f"of {row.total}. Received: {sizes[1]} of {sizes[0]}, with this version or the "
                "present data. Start a new folder with another --out."
            )


def _check_sources(earlier: Config, config: Config, paths: RunPaths) -> None:
    """Raises LotteryError if a source's name now means another experiment."""
    old, new = earlier.transfer.sources, config.transfer.sources
    for name in sorted(old.keys() & new.keys()):
        before, after = Path(old[name]).name, Path(new[name]).name
        if before != after:
            raise LotteryError(
                f"Expected the source {name!r} to be {before}, whose tickets {paths.root} holds. "
                f"Received: {after}. Give it another name."
            )


@contextmanager
def held(paths: RunPaths) -> Iterator[None]:
    """Locks the folder; the lock is released when the process ends, however it ends.

    A folder that contains only the lock is removed again.

    Raises:
        LotteryError: another process runs this experiment, or the folder cannot be written to.
    """
    lock = _locked(paths)
    is_empty = False
    try:
        yield
    finally:
        with suppress(OSError):  # moved or removed while it was locked
            is_empty = [path.name for path in paths.root.iterdir()] == [".lock"]
            if is_empty:
                # Before the release: afterwards it may be another process's lock. Windows can't
                # remove an open file; there the release removes it.
                (paths.root / ".lock").unlink()
        lock.release()
        if is_empty:
            with suppress(OSError):
                paths.root.rmdir()


def _locked(paths: RunPaths) -> FileLock:
    file = paths.root / ".lock"
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
        _refuse_link(file)
        lock = FileLock(file, blocking=False, thread_local=False)
        lock.acquire()
    except Timeout as error:
        raise LotteryError(
            f"Expected a run folder that no other process uses. Received: {paths.root}, which "
            "another process has locked. Wait for it, or stop it."
        ) from error
    except OSError as error:
        raise LotteryError(
            f"Expected a folder that can be written to. Received: {paths.root} "
            f"({error.strerror}). Choose another with --out."
        ) from error
    return lock


def _refuse_link(file: Path) -> None:
    # filelock rejects links too on some systems, but without a clear error.
    if file.is_symlink():
        raise LotteryError(
            f"Expected the lock of a run folder to be a file. Received: {file}, a symbolic link. "
            "Remove it, then run the same command again."
        )
