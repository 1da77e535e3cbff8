"""TensorBoard scalars of a run; needs the optional package `tensorboard`."""

import io
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from keras_lottery.checks import check_path_name
from keras_lottery.errors import MissingExtraError
from keras_lottery.files import write_whole
from keras_lottery.records.rows import ResultRow
from keras_lottery.records.run_paths import RunPaths

_FILE = "events.out.tfevents.0000000000.keras_lottery"
_REMAINING = "value against weights remaining, in hundredths of a percent"


class Scalars(Protocol):
    """A writer of finished trainings."""

    def add(self, row: ResultRow, history: Sequence[Mapping[str, float]]) -> None:
        """Adds a training's row and its evaluations (`step`, then values by name)."""
        ...

    def close(self) -> None:
        """Writes what is left, after the last training."""
        ...


class NoScalars:
    """Writes nothing."""

    def add(self, row: ResultRow, history: Sequence[Mapping[str, float]]) -> None:
        """Does nothing."""

    def close(self) -> None:
        """Does nothing."""


def scalars(paths: RunPaths, enabled: bool | None = None) -> Scalars:
    """Returns the writer of `report/tensorboard/`.

    Args:
        paths: file names of the run.
        enabled: None writes if the package is installed; False writes nothing.

    Raises:
        MissingExtraError: `enabled` is True and `tensorboard` is not installed.
    """
    if enabled is False or (enabled is None and find_spec("tensorboard") is None):
        return NoScalars()
    return TensorBoardScalars(paths.tensorboard)


class TensorBoardScalars:
    """Writes event files for TensorBoard; adding a training again changes nothing.

    `trainings/seed_0/round_03/winning` holds the training's history against its steps, and
    `arms/winning/seed_0` the values of one arm. TensorBoard's horizontal axis has whole numbers, so
    the fraction of weights remaining is in hundredths of a percent: 10,000 is dense, 350 is 3.5 %.

    Args:
        folder: folder to write to.
        now: timestamp of the events, in seconds since 1970.

    Raises:
        MissingExtraError: `tensorboard` is not installed.
    """

    def __init__(self, folder: Path, now: float | None = None) -> None:
        if find_spec("tensorboard") is None:
            raise MissingExtraError("tensorboard", "tensorboard")
        self._folder = folder
        self._now = time.time() if now is None else now
        self._values: dict[Path, dict[int, dict[str, float]]] = {}

    def add(self, row: ResultRow, history: Sequence[Mapping[str, float]]) -> None:
        """Writes one training's history, and its arm's values including this one.

        Raises:
            LotteryError: the name of its arm or source can't be part of a path.
        """
        name = check_path_name("an arm", "+".join(filter(None, (row.source, row.arm))))
        draw = f"-{row.draw}" if row.draw else ""
        place = Path(f"seed_{row.seed}", f"round_{row.round:02d}", name + draw)
        points = [
            (int(entry["step"]), {k: v for k, v in entry.items() if k != "step"})
            for entry in history
            if "step" in entry
        ]
        if points:
            self._write(Path("trainings") / place, points)
        values = self._values.setdefault(Path("arms", name, f"seed_{row.seed}{draw}"), {})
        values[round(row.remaining * 10_000)] = {
            f"{row.metric}/{_REMAINING}": row.value,
            f"best_step/{_REMAINING}": row.best_step,
        }
        self._write(Path("arms", name, f"seed_{row.seed}{draw}"), sorted(values.items()))

    def close(self) -> None:
        """Does nothing: every training is written as it is added."""

    def _write(self, place: Path, points: Iterable[tuple[int, Mapping[str, float]]]) -> None:
        from tensorboard.compat.proto.event_pb2 import Event  # type: ignore[import-untyped]
        from tensorboard.compat.proto.summary_pb2 import Summary  # type: ignore[import-untyped]
        from tensorboard.summary.writer.record_writer import RecordWriter  # type: ignore[import-untyped]

        content = io.BytesIO()
        writer = RecordWriter(content)
        writer.write(Event(wall_time=self._now, file_version="brain.Event:2").SerializeToString())
        for step, values in points:
            summary = Summary(
                value=[Summary.Value(tag=tag, simple_value=v) for tag, v in values.items()]
            )
            event = Event(wall_time=self._now, step=step, summary=summary)
            writer.write(event.SerializeToString())
        whole = content.getvalue()
        write_whole(self._folder / place / _FILE, lambda path: path.write_bytes(whole))
