"""Where this process imported its modules from, for a child that does not search its path."""

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from keras_lottery.export.bootstrap import Place

_INSTALLED = {"site-packages", "dist-packages"}


def user_modules() -> dict[str, Place]:
    """Returns file and submodule folders of the imported modules that were not installed.

    Submodules are left out, since they are found in the folders of their package, unless that
    package has none, as some test runners make them.
    """
    places: dict[str, Place] = {}
    for name, module in list(sys.modules.items()):
        top, parent = name.partition(".")[0], name.rpartition(".")[0]
        if top in sys.stdlib_module_names or top == "__main__":
            continue
        place = _place(module)
        if place is None or (parent and not _has_no_file(parent)):
            continue
        places[name] = place
        while parent:
            places.setdefault(parent, (None, []))
            parent = parent.rpartition(".")[0]
    return places


def search_path(folders: Iterable[str]) -> list[str]:
    """Returns the folders of a search path without the current one, in whatever way it is named."""
    current = os.path.realpath(os.curdir)
    found = [os.path.abspath(folder) for folder in folders if folder]
    return [folder for folder in found if os.path.realpath(folder) != current]


def _place(module: ModuleType) -> Place | None:
    """Returns where a module was loaded from; None if it is installed, or came from no file."""
    spec = getattr(module, "__spec__", None)
    if spec is None:
        return None
    folders = spec.submodule_search_locations
    places = [os.path.abspath(folder) for folder in folders or ()]
    file = os.path.abspath(spec.origin) if spec.has_location and spec.origin else None
    where = file or next(iter(places), "")
    if not os.path.exists(where) or _INSTALLED & set(Path(where).parts):
        return None
    return file, None if folders is None else places


def _has_no_file(name: str) -> bool:
    module = sys.modules.get(name)
    return module is not None and getattr(module, "__spec__", None) is None
