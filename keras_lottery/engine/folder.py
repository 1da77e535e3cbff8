"""The run folder: made, found again, and held by one process at a time."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_lottery import backend, imports
from keras_lottery.config import Config, differences, digest, freeze, thaw
from keras_lottery.engine.declared import declared_claims
from keras_lottery.errors import LotteryError
from keras_lottery.files import write_text
from keras_lottery.run_paths import RunPaths
from keras_lottery.types import Task


def run_paths(config: Config) -> RunPaths:
    """Returns the paths of the run that belongs to a config."""
    return RunPaths(Path(config.out) / f"{config.name}-{digest(config)}")


def read_config(paths: RunPaths) -> tuple[Config, dict[str, Any]]:
    """Returns the config of a run folder and everything else its config.json says.

    Raises:
        LotteryError: it is no run folder.
    """
    try:
        recorded = json.loads(paths.config.read_text())
        imports.check_needs(recorded, paths.root)
        return freeze(recorded["config"]), recorded
    except (OSError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise LotteryError(
            f"Expected a run folder with a config.json. Received: {paths.root} "
            f"({type(error).__name__}). Give the folder that `keras-lottery run` printed."
        ) from error


def write_config(paths: RunPaths, config: Config, task: Task) -> None:
    """Writes config.json, or checks that the one that is there is of the same experiment.

    Raises:
        LotteryError: the folder is of another config; names the fields that differ.
    """
    record: dict[str, Any] = {
        "config": thaw(config),
        "hash": digest(config),
        "metric": task.metric,
        "higher_is_better": task.higher_is_better,
        "backend": backend.name(),
        "devices": backend.devices(),
        "versions": backend.versions(),
    }
    recorded: dict[str, Any] = {}
    if paths.config.exists():
        found, recorded = read_config(paths)
        if differ := differences(found, config):
            raise LotteryError(
                f"Expected a run folder of this config. Received: {paths.root}, which differs in "
                f"{', '.join(differ)}. Choose another --out, or remove the folder."
            )
        _check_sources(found, config, paths)
        # Seeds, rounds and arms may have grown; the versions stay those of the first call.
        record = record | {k: recorded[k] for k in ("versions", "devices") if k in recorded}
    needs = recorded.get(imports.KEY, {}) | imports.needs_of(record["config"])
    record |= {imports.KEY: needs} if needs else {}
    record["claims"] = declared_claims(config, recorded, paths)
    write_text(paths.config, json.dumps(record, indent=2, sort_keys=True) + "\n")


def _check_sources(found: Config, config: Config, paths: RunPaths) -> None:
    """Raises LotteryError where a source has become another experiment under the same name."""
    old, new = found.transfer.sources, config.transfer.sources
    for name in sorted(old.keys() & new.keys()):
        was, given = Path(old[name]).name, Path(new[name]).name
        if was != given:
            raise LotteryError(
                f"Expected the source {name!r} to be {was}, whose tickets {paths.root} holds. "
                f"Received: {given}. Give it another name."
            )


@contextmanager
def held(paths: RunPaths) -> Iterator[None]:
    """Holds the folder for this process; the hold ends with it, however it ends.

    Raises:
        LotteryError: another process runs this experiment, or the folder cannot be written to.
    """
    lock = paths.root / ".lock"
    try:
        paths.root.mkdir(parents=True, exist_ok=True)
        handle = lock.open("w")
    except OSError as error:
        raise LotteryError(
            f"Expected a folder that can be written to. Received: {paths.root} "
            f"({error.strerror}). Choose another with --out."
        ) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LotteryError(
                f"Expected a run folder that no process works in. Received: {paths.root}, which "
                "another one holds. Wait for it, or stop it."
            ) from error
        try:
            yield
        finally:
            if [path.name for path in paths.root.iterdir()] == [lock.name]:  # nothing came of it
                lock.unlink()
                paths.root.rmdir()
