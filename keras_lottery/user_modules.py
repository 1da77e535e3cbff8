"""Modules of the user's own: imported where the user names them, and nowhere else.

`--import` names one, or an installed package offers one as an entry point of the group
`keras_lottery.plugins`. A run folder is data: a module that its config.json names is not imported
for that reason.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from keras_lottery.errors import LotteryError

GROUP = "keras_lottery.plugins"
"""The group of entry points whose modules register names when they are imported."""

_allowed: set[str] = set()
_flags: dict[str, str] = {}  # module -> what `--import` said
_importing: list[str] = []
_looked_for: set[str] = set()  # the groups of entry points
_failed: list[LotteryError] = []


def allow(*names: str) -> None:
    """Notes modules that the user named, on the command line or in a config of their own."""
    _allowed.update(names)


def is_allowed(name: str) -> bool:
    """Returns whether the user named this module."""
    return name in _allowed


def load(name: str) -> ModuleType:
    """Returns a module that the user named, that is imported already, or that is a plugin.

    Raises:
        LotteryError: it is none of these, or importing it fails.
    """
    if name not in _allowed and name in sys.modules:
        return sys.modules[name]
    if name not in _allowed:
        load_installed()
    if name not in _allowed:
        raise LotteryError(
            "Expected a module that you named yourself: what a run folder names is not imported. "
            f"Received: {name!r}. If you trust it, pass --import={name}; in Python, call "
            f"keras_lottery.user_modules.allow({name!r})."
        )
    try:
        return import_module(name)
    except LotteryError:
        raise
    except (Exception, SystemExit) as error:  # whatever the module raises
        raise LotteryError(
            f"Expected a module {name!r} that can be imported. Received: {_reason(error)}. Install "
            "it, add its folder to PYTHONPATH, or pass its file: --import=path/to/module.py."
        ) from error


def import_named(given: str) -> ModuleType:
    """Imports what `--import` names: a dotted module, or a `.py` file.

    A module that Python doesn't find elsewhere is looked for in the current folder. That folder,
    or the file's, is then searched last of all, for what the module imports in turn.

    Raises:
        LotteryError: there is no such module, another one has its name, or importing it fails.
    """
    file = Path(given).expanduser().absolute() if given.endswith(".py") else None
    if file is not None and file.name == "__init__.py":
        file = file.parent
    name = given if file is None else file.stem
    if not all(part.isidentifier() for part in name.split(".")):
        raise LotteryError(
            "Expected --import=MODULE, a dotted name or the path of a .py file named like a "
            f"variable. Received: {given!r}. Name the module as in an import statement."
        )
    if file is not None:
        _check_file(name, file, given)
    elif _file_of(name.partition(".")[0]) is None:
        _search_last(Path.cwd())
    allow(name)
    with _attributed(name):
        module = load(name)
    _flags[name] = given
    return module


def load_installed() -> None:
    """Imports the modules that installed packages offer as plugins; once.

    Raises:
        LotteryError: one fails; names its package.
    """
    if GROUP not in _looked_for:
        _looked_for.add(GROUP)  # before: what they import may look names up
        for plugin in plugins():
            try:
                _load(plugin)
            except LotteryError as error:
                _failed.append(error)
    if _failed:
        raise _failed[0]


def plugins() -> list[EntryPoint]:
    """Returns the entry points of installed packages, without importing them."""
    return sorted(entry_points(group=GROUP), key=lambda plugin: (plugin.module, plugin.name))


def importing() -> str:
    """Returns the module that is being imported for `--import` or as a plugin, else nothing."""
    return _importing[-1] if _importing else ""


def flags() -> dict[str, str]:
    """Returns what `--import` said, by module."""
    return dict(_flags)


def _load(plugin: EntryPoint) -> None:
    allow(plugin.module)
    try:
        with _attributed(plugin.module):
            plugin.load()
    except (Exception, SystemExit) as error:  # whatever the module raises
        package = plugin.dist.name if plugin.dist else plugin.value
        raise LotteryError(
            f"Expected the plugin {plugin.module!r} of the package {package!r} to be importable. "
            f"Received: {_reason(error)}. Update the package, or uninstall it."
        ) from error


@contextmanager
def _attributed(name: str) -> Iterator[None]:
    _importing.append(name)
    try:
        yield
    finally:
        _importing.pop()


def _check_file(name: str, file: Path, given: str) -> None:
    """Makes `file` importable as `name`.

    Raises:
        LotteryError: it is not there, or another module has its name.
    """
    whole = file / "__init__.py" if file.is_dir() else file
    if not whole.is_file():
        raise LotteryError(
            f"Expected a Python file. Received: --import={given}, which is not there. Check it."
        )
    _search_last(file.parent)
    there = _file_of(name)
    if there is None or not os.path.exists(there) or not os.path.samefile(there, whole):
        raise LotteryError(
            f"Expected a file with a name that no other module has. Received: --import={given}, "
            f"while {name!r} is {there or 'another module'}. Rename the file."
        )


def _file_of(name: str) -> str | None:
    """Returns where a top-level module is, or would be imported from; None if there is none."""
    try:
        spec = find_spec(name)
    except ValueError:  # imported by other means than a search
        return str(getattr(sys.modules[name], "__file__", None) or name)
    if spec is None:
        return None
    return spec.origin or name  # a folder without __init__.py has no file


def _search_last(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _reason(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
