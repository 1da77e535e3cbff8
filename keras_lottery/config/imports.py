"""The user modules that a run needs: recorded in its config.json, checked when it is read.

A run folder is data. Its record names the `--import` to pass, and imports nothing.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keras_lottery import user_modules
from keras_lottery.errors import LotteryError
from keras_lottery.registry import registries

KEY = "imports"
_SCRIPT = "__main__"


@dataclass
class Need:
    """A module that a run needs.

    Args:
        module: its name.
        flag: value for `--import`.
        names: the names that the run's config uses, by kind.
    """

    module: str
    flag: str
    names: dict[str, list[str]] = field(default_factory=dict)

    def is_met(self) -> bool:
        """Returns whether the module is imported, or its names are known from elsewhere."""
        if self.module in sys.modules and self.module != _SCRIPT:
            return True
        known = {registry.kind: registry for registry in registries}
        return bool(self.names) and all(
            kind in known and known[kind].registered(name)
            for kind, names in self.names.items()
            for name in names
        )

    def error(self, folder: Path) -> LotteryError:
        names = [f"{kind} {name!r}" for kind, names in self.names.items() for name in names]
        used = f" ({', '.join(names)})" if names else ""
        remedy = f"If you trust it, pass {f'--import={self.flag}'!r}; in Python, import it first."
        if self.module == _SCRIPT:
            remedy = "Move what registers it into a module of its own, and name that with --import."
        return LotteryError(
            f"Expected the module {self.module!r} of the run {folder}{used} to be imported. "
            f"Received: a run folder, which is data and imports nothing. {remedy}"
        )


def needs_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the record for config.json: modules named with `--import`, and those of used names.

    Args:
        config: the config as plain values.
    """
    flags = user_modules.flags()
    needs = {module: Need(module, flag) for module, flag in flags.items()}
    used = set(_strings(config))
    for registry in sorted(registries, key=lambda registry: registry.kind):
        for name, origin in sorted(registry.added().items()):
            if name in used:
                importable = origin.module in sys.modules and origin.module != _SCRIPT
                flag = origin.module if importable else origin.file
                need = needs.setdefault(origin.module, Need(origin.module, flag))
                need.names.setdefault(registry.kind, []).append(name)
    return {n.module: {"import": n.flag, "names": n.names} for n in needs.values()}


def check_needs(record: Mapping[str, Any], folder: Path) -> None:
    """Checks that the modules that a run needs are imported, or are installed plugins.

    Args:
        record: contents of config.json.
        folder: the run folder, for the error.

    Raises:
        LotteryError: one is not; the error has the `--import` to pass.
    """
    needs = _read(record, folder)
    if not all(need.is_met() for need in needs):
        user_modules.load_installed()
    for need in needs:
        if not need.is_met():
            raise need.error(folder)


def _read(record: Mapping[str, Any], folder: Path) -> list[Need]:
    try:
        return [
            Need(str(module), str(entry["import"]), _names(entry["names"]))
            for module, entry in (record.get(KEY) or {}).items()
        ]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise LotteryError(
            f"Expected the `{KEY}` of {folder / 'config.json'} to be modules with their names. "
            f"Received: {type(error).__name__}: {error}. Take the file from a backup."
        ) from error


def _names(by_kind: Mapping[str, Any]) -> dict[str, list[str]]:
    return {str(kind): [str(name) for name in names] for kind, names in by_kind.items()}


def _strings(value: Any) -> Iterator[str]:
    """Yields every string in nested plain values, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from (key for key in value if isinstance(key, str))
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _strings(part)
