"""Progress of an experiment: finished trainings and the time left."""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from keras_lottery.errors import printable
from keras_lottery.protocols import Progress as TrainingProgress
from keras_lottery.types import Training


class RunProgress(Protocol):
    """Reports the start and end of every training."""

    def training(self, training: Training) -> AbstractContextManager[TrainingProgress]:
        """Returns the context in which one training runs."""
        ...

    def skip(self, trainings: int) -> None:
        """Reports trainings that will not run."""
        ...


class NoProgress:
    """Shows nothing."""

    def __enter__(self) -> "NoProgress":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @contextmanager
    def training(self, training: Training) -> Iterator[TrainingProgress]:
        yield self

    def update(self, step: int, of: int, loss: float) -> None:
        pass

    def skip(self, trainings: int) -> None:
        pass


class ProgressBar:
    """A bar over all trainings, and one over the steps of each running training.

    It is drawn in a terminal, and in a notebook with ipywidgets. Elsewhere it prints a plain line
    now and then, and at the end.

    Args:
        total: number of trainings of the experiment.
        done: number of trainings finished by earlier calls.
        console: where to draw.
        pause: minimum seconds between plain lines.
    """

    def __init__(
        self, total: int, done: int, console: Console | None = None, pause: float = 10.0
    ) -> None:
        self._console = console or Console(stderr=True)
        self._is_drawn = self._console.is_terminal or (
            self._console.is_jupyter and find_spec("ipywidgets") is not None
        )
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=self._console,
        )
        self._finished, self._total = done, total
        self._parts: dict[TaskID, float] = {}  # finished fractions of the running trainings
        self._whole = self._bar.add_task("trainings", total=total, completed=done, note="")
        self._pause, self._printed = pause, time.monotonic()
        self._began = self._compiled = (self._printed, float(done))  # time, and trainings done

    def __enter__(self) -> "ProgressBar":
        if self._is_drawn:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_drawn:
            self._bar.stop()

    @contextmanager
    def training(self, training: Training) -> Iterator[TrainingProgress]:
        draw = f" draw {training.draw}" if training.draw else ""
        source = f" from {training.source}" if training.source else ""
        text = f"seed {training.seed} round {training.round} {training.arm}{draw}{source}"
        name = printable(text)
        steps = self._bar.add_task(name, total=None, note="")
        try:
            yield Steps(self, name, steps)
        finally:
            self._bar.remove_task(steps)
            self._parts.pop(steps, None)
            self._finished += 1
            self._move()
        if self._finished >= self._total or self._is_due():
            self._print(f"{self._finished}/{self._total} {name} done")

    def skip(self, trainings: int) -> None:
        self._finished += trainings
        # They must not count in the time per training.
        self._began, self._compiled = (
            (at, done + trainings) for at, done in (self._began, self._compiled)
        )
        self._move()

    def _update(self, name: str, steps: TaskID, step: int, of: int, loss: float) -> None:
        self._parts[steps] = step / of
        if self._compiled == self._began:
            self._compiled = (time.monotonic(), self._done)
        self._move()
        note = "" if math.isnan(loss) else f"loss {loss:.4g}"
        self._bar.update(steps, completed=step, total=of, note=note)
        if self._is_due():
            self._print(f"{name}: step {step} of {of}" + f", {note}" * bool(note))

    def _is_due(self) -> bool:
        return time.monotonic() - self._printed >= self._pause

    @property
    def _done(self) -> float:
        return self._finished + sum(self._parts.values())

    def _move(self) -> None:
        self._bar.update(self._whole, completed=self._done, note=f"{self._left()} left")

    def _print(self, line: str) -> None:
        self._printed = time.monotonic()
        if not self._is_drawn:
            self._console.print(f"{line}, {self._left()} left", markup=False)

    def _left(self) -> str:
        """Returns the time left, from the average speed since the first compiled steps."""
        # rich's TimeRemainingColumn counts skipped trainings as fast ones, and prints no lines.
        at, before = self._compiled
        done, left = self._done - before, self._total - self._done
        if left <= 0:
            return duration(0)
        # An epoch's last steps compile, too, if they are fewer than those compiled first.
        if done <= (before - self._began[1]) / 2:
            return "?"
        return duration((time.monotonic() - at) / done * left)


def duration(seconds: float) -> str:
    """Returns seconds as hours, minutes and seconds: `1:05:00`; from two days on, as days."""
    if seconds >= 2 * 86_400:
        return f"{seconds / 86_400:,.1f} days"
    hours, rest = divmod(int(seconds), 3600)
    return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"


class Steps:
    """Reports the steps of one training to the bar."""

    def __init__(self, bar: ProgressBar, name: str, steps: TaskID) -> None:
        self._bar, self._name, self._steps = bar, name, steps

    def update(self, step: int, of: int, loss: float) -> None:
        self._bar._update(self._name, self._steps, step, of, loss)
