"""The entry script of a child process: sets up its imports, then runs its work.

It is run by path and imports nothing of this package before `start`, because the child doesn't
search the current folder, from which the parent may have imported this package.
"""

import importlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

Place = tuple[str | None, list[str] | None]
# What a runtime imports only if it is there, without a use here: half of the time of its import.
_UNUSED = {"tensorflow": ("keras", "jax"), "keras": ("jax", "pandas", "sklearn")}


class ParentModules(MetaPathFinder):
    """Finds the user's modules where the parent found them.

    Args:
        places: for each module its file (None: it has none) and the folders of its submodules
            (None: it is not a package).
    """

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if fullname not in self._places:
            return None
        file, folders = self._places[fullname]
        if file is not None:
            return spec_from_file_location(fullname, file, submodule_search_locations=folders)
        spec = ModuleSpec(fullname, None, is_package=True)
        spec.submodule_search_locations = folders
        return spec


def start(work: str, question: Path, answer: Path, preload: str) -> None:
    """Answers a request with `work`, a `"module:function"`; can import the parent's modules.

    The first line of standard input says where those are. The second comes once the request is
    written, and never if the parent has died or needs no answer.
    """
    origin = json.loads(sys.stdin.readline())
    sys.meta_path.insert(0, ParentModules(origin["modules"]))
    sys.path.extend(folder for folder in origin["path"] if folder not in sys.path)
    if preload:
        _import_alone(preload)
    if not sys.stdin.readline():
        return
    module, _, function = work.partition(":")
    call = getattr(importlib.import_module(module), function)
    importlib.import_module("keras_lottery.exporters.subprocess.child").answer(
        call, json.loads(question.read_text()), answer
    )


def _import_alone(runtime: str) -> None:
    """Imports a runtime without the packages that it can do without; they can be imported later."""
    needed = {*sys.modules, os.environ.get("KERAS_BACKEND")}
    missing = [name for name in _UNUSED.get(runtime, ()) if name not in needed]
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]  # None: no such module
    try:
        importlib.import_module(runtime)
    finally:
        for name in missing:
            del sys.modules[name]


if __name__ == "__main__":
    start(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
