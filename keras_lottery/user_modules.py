"""User modules: imported only if the user names them.

`--import` names one, or an installed package offers one as an entry point of the group
`keras_lottery.plugins`. A run folder is data: a module that only its config.json names is not
imported.
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

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError

GROUP = "keras_lottery.plugins"
"""The group of entry points whose modules register names when they are imported."""

_allowed: set[str] = set()
_flags: dict[str, str] = {}  # module -> value of `--import`
_importing: list[str] = []
_looked_for: set[str] = set()  # the groups of entry points
_failed: list[LotteryError] = []


def allow(*names: str) -> None:
    """Allows modules that the user named on the command line or in their own config."""
    _allowed.update(names)


def is_allowed(name: str) -> bool:
    """Returns whether the user named this module."""
    return name in _allowed


def load(name: str) -> ModuleType:
    """Returns a module that the user named, that is imported already, or that is a plugin.

    Raises:
        LotteryError: it is none of these, or its import fails.
    """
    if name not in _allowed and name in sys.modules:
        return sys.modules[name]
    if name not in _allowed:
        load_installed()
    if name not in _allowed:
        raise LotteryError(
            "Expected a module that you named yourself: one named by a run folder is not imported. "
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


def import_named(location: str) -> ModuleType:
    """Imports the value of `--import`: a dotted module name or a `.py` file.

    A module that Python doesn't find elsewhere is looked for in the current folder. That folder,
    or the file's, becomes the last entry of `sys.path`, for the module's own imports.

    Raises:
        LotteryError: there is no such module, another one has its name, or its import fails.
    """
    file = file_path(location, "--import").absolute() if location.endswith(".py") else None
    if file is not None and file.name == "__init__.py":
        file = file.parent
    name = location if file is None else file.stem
    if not all(part.isidentifier() for part in name.split(".")):
        raise LotteryError(
            "Expected --import=MODULE, a dotted name or the path of a .py file whose name is a "
            f"valid Python identifier. Received: {location!r}. Rename it, or correct the name."
        )
    if file is not None:
        _check_file(name, file, location)
    elif _file_of(name.partition(".")[0]) is None:
        _search_last(Path.cwd())
    allow(name)
    with _attributed(name):
        module = load(name)
    _flags[name] = location
    return module


def load_installed() -> None:
    """Imports the plugins of installed packages, once.

    Raises:
        LotteryError: one fails; the error names its package.
    """
    if GROUP not in _looked_for:
        _looked_for.add(GROUP)  # set first: plugins may look names up while they are imported
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
    """Returns the `--import` or plugin module being imported, or an empty string."""
    return _importing[-1] if _importing else ""


def flags() -> dict[str, str]:
    """Returns the values of `--import`, by module."""
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


def _check_file(name: str, file: Path, location: str) -> None:
    """Makes `file` importable as `name`.

    Raises:
        LotteryError: it does not exist, or another module has its name.
    """
    source = file / "__init__.py" if file.is_dir() else file
    if not source.is_file():
        raise LotteryError(
            f"Expected a Python file. Received: --import={location}, which is not there. Check it."
        )
    _search_last(file.parent)
    importable = _file_of(name)
    if (
        importable is None
        or not os.path.exists(importable)
        or not os.path.samefile(importable, source)
    ):
        raise LotteryError(
            f"Expected a file with a name that no other module has. Received: --import={location}, "
            f"while {name!r} is {importable or 'another module'}. Rename the file."
        )


def _file_of(name: str) -> str | None:
    """Returns the file of a top-level module, imported or not; None if there is none."""
    try:
        spec = find_spec(name)
    except ValueError:  # imported without a spec
        return str(getattr(sys.modules[name], "__file__", None) or name)
    if spec is None:
        return None
    return spec.origin or name  # a folder without __init__.py has no file


def _search_last(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def _reason(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
