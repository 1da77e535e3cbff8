"""Writes and shows the report of a run, unless nothing has changed since it was written.

What a report depends on, and the files that it wrote, are recorded as digests in the cache. A run
folder may come from a stranger, so the text that is printed again isn't kept there.
"""

import hashlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

import keras_lottery
from keras_lottery import cache, user_modules
from keras_lottery.errors import LotteryError, printable
from keras_lottery.files import write_text
from keras_lottery.records.run_paths import RunPaths

_PACKAGES = ("matplotlib", "numpy", "pandas", "rich", "scipy", "tensorboard")
_TABLES = (".csv", ".json")
_WRITTEN = ("report", "export", ".lock")


def show_report(folder: Path, trackers: Sequence[str] = ()) -> None:
    """Writes the report of a run if anything has changed, and prints its main results.

    Args:
        folder: the run folder.
        trackers: `wandb`, `mlflow` or both: also write every training there, as new runs.
    """
    console = Console()
    kept = _Kept(folder, console)
    shown = None if trackers else kept.shown()
    if shown is None:
        shown = _written(folder, trackers, console)
        kept.keep(shown)
    print(shown, end="")


def _written(folder: Path, trackers: Sequence[str], console: Console) -> str:
    """Writes the report; returns what is printed about it."""
    from keras_lottery import report

    files = report.build(folder, trackers=trackers)
    with console.capture() as captured:
        console.print(report.terminal_table(folder))
        for sentence in files.headline:
            console.print(Text(printable(sentence)))
    figure = f"figure: {files.figure}\n" if files.figures else ""
    return f"{captured.get()}{figure}report: {files.html}\n"


class _Kept:
    """The record of one run folder's report.

    Args:
        folder: the run folder.
        console: where the report's main table is shown; its width and colors change the text.
    """

    def __init__(self, folder: Path, console: Console) -> None:
        self._report = RunPaths(folder).report
        self._file: Path | None = None
        root = cache.folder()
        # The modules of users can change a report in ways that no file of the run shows.
        if root is None or user_modules.flags() or user_modules.plugins():
            return
        if RunPaths(folder).config.is_file():
            with suppress(OSError):  # a run that is being written
                self._inputs = _inputs(folder, console)
                self._file = root / "reports" / f"{_digest(str(folder.absolute()))}.json"

    def shown(self) -> str | None:
        """Returns what was printed with the report; None if anything has changed since."""
        if self._file is None:
            return None
        try:
            record = json.loads(self._file.read_text("utf-8"))
            is_same = record["inputs"] == self._inputs and record["files"] == _contents(
                self._report, record["files"]
            )
            return str(record["shown"]) if is_same else None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def keep(self, shown: str) -> None:
        """Records the report that was just written, and what was printed with it."""
        if self._file is None:
            return
        written = sorted(str(p.relative_to(self._report)) for p in _files(self._report))
        files = _contents(self._report, written)
        with suppress(LotteryError):  # a cache that can't be written to
            write_text(
                self._file, json.dumps({"inputs": self._inputs, "files": files, "shown": shown})
            )


def _inputs(folder: Path, console: Console) -> str:
    """Returns the digest of everything that a report depends on.

    Tables count by their contents. Tickets and weights can be large: they count by size and time,
    as the files of this package do.
    """
    run = [p for p in _files(folder) if p.relative_to(folder).parts[0] not in _WRITTEN]
    tables = [str(p.relative_to(folder)) for p in run if p.suffix in _TABLES]
    home = Path(keras_lottery.__file__).parent
    package = [p for p in _files(home) if p.suffix != ".pyc"]
    return _digest(
        {
            "place": [str(folder), str(Path.cwd())],
            "tables": _contents(folder, tables),
            "others": _stamps(p for p in run if p.suffix not in _TABLES),
            "package": [keras_lottery.__version__, _stamps(package)],
            "versions": [sys.version, *map(_version, _PACKAGES)],
            "console": [console.width, console.color_system, console.encoding],
        }
    )


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _contents(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Returns the digest of each file; raises OSError if one is missing."""
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in sorted(names)}


def _stamps(files: Iterable[Path]) -> list[tuple[str, int, int]]:
    stats = ((path, path.stat()) for path in files)
    return sorted((str(path), stat.st_size, stat.st_mtime_ns) for path, stat in stats)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _digest(value: str | Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
