"""Progress of an experiment: which training of how many, and the time left."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from keras_lottery.types import Progress as TrainingProgress
from keras_lottery.types import Training


class RunProgress(Protocol):
    """Is told of every training that begins and ends."""

    def training(self, training: Training) -> AbstractContextManager[TrainingProgress]:
        """Returns a context in which one training runs."""
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
    """A bar over all trainings, with the time left; a plain line each where there is no terminal.

    Args:
        total: trainings of the experiment.
        done: trainings that an earlier call finished.
        console: where to draw.
    """

    def __init__(self, total: int, done: int, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]} left"),
            console=self._console,
        )
        self._first = done
        self._task = self._bar.add_task("trainings", total=total, completed=done, left="?")
        self._began = time.monotonic()

    def __enter__(self) -> "ProgressBar":
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    @contextmanager
    def training(self, training: Training) -> Iterator[TrainingProgress]:
        draw = f" draw {training.draw}" if training.draw else ""
        source = f" from {training.source}" if training.source else ""
        self._name = f"seed {training.seed} round {training.round} {training.arm}{draw}{source}"
        self._whole = self._bar.tasks[0].completed
        try:
            yield self
        finally:
            self._move(self._whole + 1)
        if not self._console.is_terminal:
            task = self._bar.tasks[0]
            self._console.print(
                f"{int(task.completed)}/{task.total} {self._name} done, {self._left()} left"
            )

    def update(self, step: int, of: int, loss: float) -> None:
        self._move(self._whole + step / of)

    def skip(self, trainings: int) -> None:
        task = self._bar.tasks[0]
        self._first += trainings  # they say nothing about the time that a training takes
        self._bar.update(self._task, completed=task.completed + trainings)

    def _move(self, completed: float) -> None:
        self._bar.update(self._task, completed=completed, description=self._name, left=self._left())

    def _left(self) -> str:
        """Returns the time left, as the trainings of this call took it so far."""
        task = self._bar.tasks[0]
        done = task.completed - self._first
        if not done:
            return "?"
        seconds = (time.monotonic() - self._began) / done * ((task.total or 0) - task.completed)
        hours, rest = divmod(int(seconds), 3600)
        return f"{hours}:{rest // 60:02d}:{rest % 60:02d}"
