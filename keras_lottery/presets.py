"""The experiments that come with the package, and those in a user's own config files."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict

from keras_lottery.errors import LotteryError, unknown_name

_DECIDED_BY_LEVELS = ("schedule", "rounds", "rate", "rates")


def folder() -> Path:
    """Returns the folder of the configs: inside the package, or beside it in its repository."""
    package = Path(__file__).resolve().parent
    beside = package.parent
    if not (package / "configs").is_dir() and (beside / "pyproject.toml").is_file():
        return beside / "configs"
    return package / "configs"


def names() -> list[str]:
    """Returns the names of the package's configs, e.g. `frankle2019/lenet_mnist`."""
    root = folder()
    return sorted(p.relative_to(root).with_suffix("").as_posix() for p in root.rglob("[!_]*.py"))


def find(name_or_path: str) -> Path:
    """Returns the config file of that name, or at that path.

    Raises:
        LotteryError: there is none.
    """
    path = Path(name_or_path)
    if path.suffix == ".py":
        path = Path(os.path.expanduser(path))
        if os.path.isfile(path):
            return path
        raise LotteryError(
            f"Expected a config file. Received: {name_or_path!r}, which is not there. "
            f"Give the path of one, or a name: {', '.join(names())}."
        )
    if name_or_path not in names():
        raise unknown_name("config", name_or_path, names())
    return folder() / f"{name_or_path}.py"


def module(name_or_path: str) -> ModuleType:
    """Returns the config file as a module.

    Raises:
        LotteryError: it is not there, does not run, or has no `get_config`.
    """
    path = find(name_or_path)
    spec = importlib.util.spec_from_file_location(f"keras_lottery_config_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise LotteryError(f"Expected a Python file. Received: {path}. Give the path of one.")
    loaded = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(loaded)
    except (Exception, SystemExit) as error:
        raise _broken(path, error) from error
    if not callable(getattr(loaded, "get_config", None)):
        raise LotteryError(
            f"Expected a function get_config() in {path}. Received: none. Add one that returns an "
            "ml_collections.ConfigDict."
        )
    return loaded


def load(name_or_path: str, overrides: Mapping[str, Any] | None = None) -> ConfigDict:
    """Returns a config with some of its fields replaced.

    Args:
        name_or_path: as `find` takes it.
        overrides: `{"prune.rounds": 5}`; a field that the file leaves out may be given too.

    Raises:
        LotteryError: there is no such config, it does not run, or an override does not fit.
    """
    loaded = module(name_or_path)
    try:
        settings = loaded.get_config()
    except (Exception, SystemExit) as error:
        raise _broken(find(name_or_path), error) from error
    if not isinstance(settings, ConfigDict):
        raise LotteryError(
            f"Expected get_config() of {name_or_path} to return an ml_collections.ConfigDict. "
            f"Received: {type(settings).__name__}. Return one."
        )
    plain = settings.to_dict()
    if "prune.levels" in (overrides or {}):
        for name in _DECIDED_BY_LEVELS:  # the file's are those of another schedule
            plain.get("prune", {}).pop(name, None)
    for field, value in (overrides or {}).items():
        _override(plain, field, value)
    try:
        return ConfigDict(plain)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LotteryError(
            f"Expected names of fields. Received: {', '.join(overrides or {})} "
            f"({' '.join(str(error).split())}). Correct the name."
        ) from error


def _override(settings: dict[str, Any], field: str, value: Any) -> None:
    *sections, last = field.split(".")
    for section in sections:
        settings = settings.setdefault(section, {})
        if not isinstance(settings, dict):
            raise LotteryError(
                f"Expected a field of a section. Received: {field!r}, where {section!r} is a "
                "field itself. Give it a value, or leave it out."
            )
    settings[last] = value


def _broken(path: Path, error: BaseException) -> LotteryError:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return LotteryError(f"Expected a config file that runs: {path}. Received: {text}. Mend it.")
