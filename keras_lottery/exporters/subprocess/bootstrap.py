"""The entry script of a child process: sets up its imports, then runs its work.

It is run by path and imports nothing of this package before `start`, because the child doesn't
search the current folder, from which the parent may have imported this package.
"""

import gc
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from queue import SimpleQueue
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


def serve(preload: str) -> None:
    """Answers requests, each with the work that it names; can import the parent's modules.

    Requests come as lines of standard input, answers go out as lines of standard output. The first
    line says where the parent's modules are. The input ends when the parent does.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for whatever the work prints
    lines: SimpleQueue[str] = SimpleQueue()
    threading.Thread(target=_listen, args=[lines], daemon=True).start()
    origin = json.loads(lines.get())
    sys.meta_path.insert(0, ParentModules(origin["modules"]))
    sys.path.extend(folder for folder in origin["path"] if folder not in sys.path)
    if preload:
        _import_alone(preload)
    while True:
        work, request = json.loads(lines.get())
        module, _, function = work.partition(":")
        call = getattr(importlib.import_module(module), function)
        answer = importlib.import_module("keras_lottery.exporters.subprocess.child").answer
        answers.write(json.dumps(answer(call, request)) + "\n")
        answers.flush()


def _listen(lines: "SimpleQueue[str]") -> None:
    """Reads the requests; ends this process with its parent, whatever it is doing."""
    while line := sys.stdin.readline():
        lines.put(line)
    os._exit(1)


def _import_alone(runtime: str) -> None:
    """Imports a runtime without the packages that it can do without; they can be imported later."""
    gc.disable()  # modules stay: a fifth of the import would be collections that find nothing
    needed = {*sys.modules, os.environ.get("KERAS_BACKEND")}
    missing = [name for name in _UNUSED.get(runtime, ()) if name not in needed]
    sys.modules.update(dict.fromkeys(missing))  # type: ignore[arg-type]  # None: no such module
    try:
        importlib.import_module(runtime)
    finally:
        for name in missing:
            del sys.modules[name]
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which ends this
    code: object = 1
    try:
        serve(sys.argv[1])
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    os._exit(code if isinstance(code, int) else 1)  # with a thread that reads standard input
