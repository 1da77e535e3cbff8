"""Loads the package's configs and the user's own config files.

A config is a Python file with `get_config() -> ConfigDict`, or with `get_config(argument: str =
DEFAULT)` for a family of experiments, after ml_collections' convention: `yu2019/atari:breakout`,
`path/to/file.py:argument`. `VARIANTS` of a file maps each argument to a one-line description. A
file with too many arguments to list describes their form in `ARGUMENT` and checks them itself.
"""

import importlib.util
import inspect
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from ml_collections import ConfigDict
from ml_collections.config_dict import RequiredValueError

from keras_lottery.config.experiment import Config
from keras_lottery.config.validation import flatten, freeze, unread_fields
from keras_lottery.errors import LotteryError, unknown_name

_DECIDED_BY_LEVELS = ("schedule", "rounds", "rate", "rates")
_MISSING = object()  # the value of a `required_placeholder` that has none yet


def folder() -> Path:
    """Returns the folder of the configs: in the package, or next to it in the repository."""
    package = Path(__file__).resolve().parent.parent
    repository = package.parent
    if not (package / "configs").is_dir() and (repository / "pyproject.toml").is_file():
        return repository / "configs"
    return package / "configs"


def families() -> list[str]:
    """Returns the names of the package's config files, e.g. `frankle2019/conv`."""
    root = folder()
    return sorted(p.relative_to(root).with_suffix("").as_posix() for p in root.rglob("[!_]*.py"))


def names() -> list[str]:
    """Returns the names of the package's configs, e.g. `quickstart` and `frankle2019/conv:6`."""
    return list(descriptions())


def descriptions() -> dict[str, str]:
    """Returns a one-line description of each of the package's configs, by name."""
    lines: dict[str, str] = {}
    for family in families():
        loaded = module(family)
        variants = _variants(loaded)
        lines |= {f"{family}:{argument}": line for argument, line in variants.items()}
        if not variants:
            form = f" (or :{loaded.ARGUMENT})" if hasattr(loaded, "ARGUMENT") else ""
            lines[family] = _first_line(loaded) + form
    return lines


def split(name_or_path: str) -> tuple[str, str]:
    """Returns the name or path of a config file, and the argument after the colon or ""."""
    path, suffix, argument = name_or_path.partition(".py:")
    if suffix:
        return f"{path}.py", argument
    if name_or_path.endswith(".py"):  # no argument follows the colon of `C:\mine.py`
        return name_or_path, ""
    family, _, argument = name_or_path.partition(":")
    return family, argument


def find(name_or_path: str) -> Path:
    """Returns the config file with that name or path; ignores the argument.

    Raises:
        LotteryError: there is none.
    """
    family, argument = split(name_or_path)
    path = Path(family)
    if path.suffix == ".py":
        path = Path(os.path.expanduser(path))
        if os.path.isfile(path):
            return path
        raise LotteryError(
            f"Expected a config file. Received: {family!r}, which is not there. "
            f"Give the path of one, or a name: {', '.join(families())}."
        )
    if family not in families():
        known = names() if argument else {*families(), *names()}
        raise unknown_name("config", name_or_path, known)
    return folder() / f"{family}.py"


def module(name_or_path: str) -> ModuleType:
    """Returns the config file as a module; ignores the argument.

    Raises:
        LotteryError: it does not exist, does not run, or has no `get_config`.
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
        name_or_path: `name`, `name:argument`, `file.py` or `file.py:argument`. Without an argument,
            a family has its default variant.
        overrides: e.g. `{"prune.rounds": 5}`; may have fields that the file omits.

    Raises:
        LotteryError: there is no such config or variant, it does not run, an override is invalid,
            or a `required_placeholder` of the file gets no value.
    """
    loaded = module(name_or_path)
    arguments = _arguments(loaded, name_or_path)
    try:
        settings = loaded.get_config(*arguments)
    except LotteryError:
        raise
    except (Exception, SystemExit) as error:
        raise _broken(find(name_or_path), error) from error
    if not isinstance(settings, ConfigDict):
        raise LotteryError(
            f"Expected get_config() of {name_or_path} to return an ml_collections.ConfigDict. "
            f"Received: {type(settings).__name__}. Return one."
        )
    plain = _plain(settings)
    _drop_replaced(plain, overrides or {})
    for field, value in (overrides or {}).items():
        _override(plain, field, value)
    if missing := [field for field, value in flatten(plain).items() if value is _MISSING]:
        raise LotteryError(
            f"Expected a value for {', '.join(missing)}, which {name_or_path} requires. Received "
            f"none. Add --config.{missing[0]}=value."
        )
    try:
        return ConfigDict(plain)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LotteryError(
            f"Expected names of fields. Received: {', '.join(overrides or {})} "
            f"({' '.join(str(error).split())}). Correct the name."
        ) from error


def settled(
    settings: ConfigDict, name_or_path: str, overrides: Mapping[str, Any]
) -> tuple[ConfigDict, list[str]]:
    """Resets fields of a config file to their defaults if overrides make them ineffective.

    Fields without effect are still rejected if the user set them, or if they have none in the file.

    Args:
        settings: the result of `load`, whose task is registered.
        name_or_path: name or path of the config file.
        overrides: those passed to `load`, and later decisions such as `backend`.

    Returns:
        The settings, and the names of the fields that were reset.

    Raises:
        LotteryError: a field is unknown, or a value doesn't fit.
    """
    plain, dropped = settings.to_dict(), list[str]()
    try:
        alone = _unread(load(name_or_path))
    except LotteryError:  # the file is incomplete without the overrides
        alone = []
    while names := [
        name
        for name in _unread(plain)
        if name not in alone and not _is_among(name, overrides) and name in flatten(plain)
    ]:
        for name in names:
            *sections, last = name.split(".")
            inner = plain
            for section in sections:
                inner = inner[section]
            del inner[last]
        dropped += names
    return ConfigDict(plain), dropped


def frozen(name_or_path: str, overrides: Mapping[str, Any]) -> Config:
    """Returns the validated config of a file, as the command line runs it.

    Fields of the file that the overrides make ineffective get their defaults, as in `settled`.

    Raises:
        LotteryError: as `load` and `freeze`.
    """
    settings, _ = settled(load(name_or_path, overrides), name_or_path, overrides)
    return freeze(settings)


def _unread(settings: Any) -> list[str]:
    return [field.name for field in unread_fields(freeze(settings, allow_unread=True))]


def _is_among(name: str, overrides: Iterable[str]) -> bool:
    """Returns whether overrides set a field, its section, or a part of it."""
    return any(f"{name}.".startswith(f"{o}.") or o.startswith(f"{name}.") for o in overrides)


def _plain(settings: ConfigDict) -> dict[str, Any]:
    """Returns plain nested values, with `_MISSING` for required fields without a value."""
    try:
        plain: dict[str, Any] = settings.to_dict()
    except RequiredValueError:
        plain = {}
        for field in settings:
            try:
                value = settings[field]
            except RequiredValueError:
                value = _MISSING
            plain[field] = _plain(value) if isinstance(value, ConfigDict) else value
    return plain


def _drop_replaced(settings: dict[str, Any], overrides: Mapping[str, Any]) -> None:
    """Removes the file's settings for a task, study or schedule that an override replaces."""
    for field, sections in (("task", ("data", "model")), ("study", ("options",))):
        if field in overrides and settings.get(field) not in (overrides[field], _MISSING):
            for section in sections:
                settings.pop(section, None)
    names = list(_DECIDED_BY_LEVELS) if "prune.levels" in overrides else []
    names += ["rounds"] if overrides.get("prune.schedule") == "one_shot" else []
    for name in names:
        settings.get("prune", {}).pop(name, None)


def _first_line(loaded: ModuleType) -> str:
    return (loaded.__doc__ or "").partition("\n")[0].rstrip(".")


def _variants(loaded: ModuleType) -> dict[str, str]:
    return dict(getattr(loaded, "VARIANTS", {}))


def _arguments(loaded: ModuleType, name_or_path: str) -> tuple[str, ...]:
    """Returns the arguments of `get_config`: one, or none for the default."""
    family, argument = split(name_or_path)
    if not argument:
        return ()
    variants = _variants(loaded)
    if variants and argument not in variants:
        raise unknown_name(f"variant of {family}", argument, variants)
    if not inspect.signature(loaded.get_config).parameters:
        raise LotteryError(
            f"Expected {family!r}, a config without variants. Received: {name_or_path!r}. Leave "
            f"out {f':{argument}'!r}."
        )
    return (argument,)


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
    return LotteryError(f"Expected a config file that runs: {path}. Received: {text}. Fix it.")
