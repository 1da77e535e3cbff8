"""Reads and checks config.json of a run folder."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Never

from keras_lottery.checks import check_path_name
from keras_lottery.config import Config, complete_options, freeze, imports
from keras_lottery.errors import LotteryError, shortened
from keras_lottery.records.run_paths import RunPaths

RESULTS_VERSION_KEY = "results_version"
"""Key of config.json: the results version, see `engine.result_changes`.

If it is present, `config` has the union of the seeds, rounds, arms, draws and sources of all calls;
older versions kept only those of the last call.
"""

TICKETS = "tickets"
"""The study that searches for tickets and writes results.csv."""

_MOST_BYTES = 16 * 2**20
_DEEPEST = 40
_LARGEST = 2**63
_MOST_NAMED = 3
_ADVICE = "Give the folder that `keras-lottery run` printed, e.g. --run=runs/quickstart-1a2b3c4d."


def read_config(paths: RunPaths) -> dict[str, Any]:
    """Returns the contents of config.json; fields of `config` have the right types.

    Unknown fields stay as they are: the config may be that of a user's task. Study options that an
    older version didn't write get their defaults.

    Raises:
        LotteryError: the file is missing, truncated, too large, or has another form; or the run
            needs a user module that is not imported.
    """
    file = paths.config
    if not file.is_file():
        nearby = dict.fromkeys([paths.root, paths.root.parent])  # of "." it is the same
        there = [found for folder in nearby for found in _run_folders(folder)]
        hint = f" There are: {', '.join(there[:_MOST_NAMED])}." if there else ""
        raise LotteryError(
            f"Expected a run folder, which holds config.json. Received: {paths.root}. "
            f"{_ADVICE}{hint}"
        )
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise ValueError(f"more than {_MOST_BYTES} bytes")
        record = json.loads(file.read_text(encoding="utf-8"), parse_constant=_not_json)
        _check_depth(record)
    except (OSError, ValueError, RecursionError) as error:
        raise LotteryError(
            f"Expected {file} to be readable JSON. Received: {error}. {_ADVICE}"
        ) from error
    if not isinstance(record, dict) or not isinstance(record.get("config"), dict):
        shown = sorted(record) if isinstance(record, dict) else record
        raise LotteryError(
            f"Expected {file} to hold `config`. Received: {shortened(str(shown))}. {_ADVICE}"
        )
    for name, is_right in _FIELDS.items():
        value = _field(record, name)
        if value is not None and not is_right(value):
            raise LotteryError(
                f"Expected {file} to hold a usable `{name}`. Received: {shortened(str(value))}. "
                "Take the file from a backup, or start the run again in another folder."
            )
    for source in _field(record, "config.transfer.sources") or ():
        check_path_name(f"a source in {file}", source)
    if not isinstance(record.get("higher_is_better"), bool):
        raise LotteryError(
            f"Expected {file} to hold `config` and `higher_is_better`. "
            f"Received: {shortened(', '.join(sorted(record)))}. {_ADVICE}"
        )
    imports.check_needs(record, paths.root)
    return record | {"config": _completed(record["config"], paths)}


def _run_folders(folder: Path) -> list[str]:
    """Returns the run folders in a folder, the newest first."""
    with suppress(OSError, ValueError):
        files = sorted(folder.glob("*/config.json"), key=lambda path: -path.stat().st_mtime)
        return [str(file.parent) for file in files]
    return []


def load_config(paths: RunPaths) -> tuple[Config, dict[str, Any]]:
    """Returns the config of a run folder, and the contents of its config.json.

    Raises:
        LotteryError: it is not a run folder.
    """
    recorded = read_config(paths)
    try:
        return freeze(recorded["config"], allow_unread=True), recorded
    except LotteryError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise LotteryError(
            f"Expected {paths.config} to hold a config. Received: {type(error).__name__}: {error}. "
            "Take the file from a backup, or start the run again in another folder."
        ) from error


def _completed(config: dict[str, Any], paths: RunPaths) -> dict[str, Any]:
    study = config.get("study", TICKETS)
    if study == TICKETS:
        return config
    recorded_options = config.get("options") or {}
    options = complete_options(study, recorded_options) | recorded_options
    return {"name": paths.root.name, "task": ""} | config | {"options": options}


def _not_json(constant: str) -> Never:
    raise ValueError(f"the constant {constant}, which JSON doesn't have")


def _check_depth(value: object) -> None:
    """Raises ValueError if values are nested deeper than any config."""
    level = [value]
    for _ in range(_DEEPEST):
        inner = [v for v in level if isinstance(v, (dict, list))]
        level = [v for node in inner for v in (node.values() if isinstance(node, dict) else node)]
        if not level:
            return
    raise ValueError(f"values nested more than {_DEEPEST} deep")


def _field(record: Mapping[str, Any], name: str) -> Any:
    value: Any = record
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def is_count(value: object) -> bool:
    """Returns True for a non-negative whole number that fits into 64 bits."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST


def _is_number(value: object) -> bool:
    return isinstance(value, float) or is_count(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict)


def _are(kind: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(kind(item) for item in value)


def _by_name(kind: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, dict) and all(kind(item) for item in value.values())


# Sections come before their fields, so that the error names the outermost wrong one.
_FIELDS: dict[str, Callable[[object], bool]] = {
    "metric": _is_text,
    "hash": _is_text,
    "higher_is_better": lambda value: isinstance(value, bool),
    "claims": _are(_is_mapping),
    RESULTS_VERSION_KEY: is_count,
    "config.name": _is_text,
    "config.task": _is_text,
    "config.study": _is_text,
    "config.seeds": _are(is_count),
    "config.arms": _are(_is_text),
    "config.draws": is_count,
    "config.keep_trained": _are(_is_text),
    "config.data": _is_mapping,
    "config.model": _is_mapping,
    "config.options": _is_mapping,
    "config.train": _is_mapping,
    "config.prune": _is_mapping,
    "config.prune.rounds": is_count,
    "config.prune.arm_rounds": _by_name(_are(is_count)),
    "config.transfer": _is_mapping,
    "config.transfer.sources": _by_name(_is_text),
    "config.transfer.arms": _are(_is_text),
    "config.report": _is_mapping,
    "config.report.sparse": _is_number,
}
