"""Parallel trainings in workers, which may die: a lost training is trained again."""

import warnings
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable
from contextlib import ExitStack
from typing import Generic, Protocol, TypeVar

from keras_lottery.engine.executors.serving import Kind, Message
from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Job, Progress
from keras_lottery.types import Training, TrainingResult

ATTEMPTS = 3
"""How many workers a training may lose before the run stops."""


class Worker(Protocol):
    """Trains one network at a time, in another process."""

    def is_alive(self) -> bool:
        """Returns whether an idle worker could train."""
        ...

    def send(self, job: Job) -> bool:
        """Sends a training; returns False if the worker has died."""
        ...

    def receive(self) -> Message | None:
        """Returns the next message; None if the worker has died."""
        ...

    def stop(self) -> str:
        """Ends the worker; returns the reason if it had died already, as a noun phrase."""
        ...


W = TypeVar("W", bound=Worker)


class Parallel(ABC, Generic[W]):
    """Trains one network per worker at a time.

    If a worker dies, its training restarts in the next idle one.

    Args:
        progress: shows all running trainings.
    """

    def __init__(self, progress: RunProgress) -> None:
        self._progress = progress
        self._jobs: dict[W, Job] = {}  # trainings in flight
        self._waiting: list[Job] = []  # for a worker, mostly since theirs died
        self._lost: Counter[Training] = Counter()
        self._shown: dict[Training, tuple[ExitStack, Progress]] = {}

    @abstractmethod
    def _started(self) -> Iterable[W]:
        """Returns the workers that accept trainings, busy ones included."""

    @abstractmethod
    def _reporting(self, busy: Collection[W]) -> Collection[W]:
        """Waits for workers to start or report; returns busy ones that sent a message or died."""

    @abstractmethod
    def _replace(self, worker: W) -> None:
        """Starts a worker in place of one that died."""

    @abstractmethod
    def _end(self, busy: Collection[W]) -> None:
        """Stops busy workers, left by an error, and releases the others."""

    def run(
        self, take: Callable[[], Job | None]
    ) -> Generator[tuple[Training, TrainingResult], None, None]:
        try:
            while self._hand_out(take):
                for worker in self._reporting(self._jobs):
                    message = worker.receive()
                    if message is None:
                        self._lose(worker)
                    elif message.kind is Kind.PROGRESS:
                        self._shown[self._jobs[worker][0]][1].update(*message.body)
                    else:
                        yield self._ended(self._jobs.pop(worker)[0], message)
        finally:
            self._end(self._jobs)

    def _hand_out(self, take: Callable[[], Job | None]) -> bool:
        """Gives a training to every idle worker; returns False if none is left or in flight."""
        for worker in [worker for worker in self._started() if worker not in self._jobs]:
            job = self._waiting.pop() if self._waiting else take()
            if job is None:
                break
            if worker.is_alive():
                self._train(worker, job)
            else:  # not a loss of this training: a node may take many idle workers with it
                worker.stop()
                self._replace(worker)
                self._waiting.append(job)
        if not (self._jobs or self._waiting) and (job := take()):  # no worker has started
            self._waiting.append(job)
        return bool(self._jobs or self._waiting)

    def _train(self, worker: W, job: Job) -> None:
        self._jobs[worker] = job  # before it is sent, which Ctrl-C may interrupt
        if job[0] not in self._shown:
            stack = ExitStack()
            self._shown[job[0]] = stack, stack.enter_context(self._progress.training(job[0]))
        if not worker.send(job):
            self._lose(worker)

    def _lose(self, worker: W) -> None:
        """Replaces a worker that died during a training, which is ready again.

        Raises:
            LotteryError: the training has lost too many workers.
        """
        job = self._jobs.pop(worker)
        self._lost[job[0]] += 1
        reason = worker.stop()
        self._replace(worker)
        self._waiting.append(job)
        if self._lost[job[0]] == ATTEMPTS:
            raise LotteryError(
                f"Expected workers to finish {_name(job[0])}. Received: {ATTEMPTS} crashes, "
                f"the last one with {reason}. Lower --workers, or look for the reason with "
                "--executor=sequential; finished trainings are kept."
            )

    def _ended(self, training: Training, message: Message) -> tuple[Training, TrainingResult]:
        """Returns the result from a worker, or raises its error."""
        if message.training != training:
            raise RuntimeError(f"A worker answered {message.training} in place of {training}.")
        self._shown.pop(training)[0].close()
        for category, text in message.warnings:
            warnings.warn(text, category, stacklevel=2)
        if message.kind is Kind.REFUSED:
            raise LotteryError(message.body)
        if message.kind is Kind.FAILED:
            raise RuntimeError(f"{_name(training)} failed in its worker:\n{message.body}")
        return training, message.body


def _name(training: Training) -> str:
    return f"seed {training.seed}, round {training.round}, {training.arm}"
