"""The main loop of a worker process: trains what the driver sends, until the driver ends."""

import multiprocessing
import os
import pickle
import platform
import signal
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from multiprocessing.connection import Connection, wait
from typing import Any

from keras_lottery import lean_keras, user_modules
from keras_lottery.config import Config
from keras_lottery.errors import LotteryError, reason_of, to_install
from keras_lottery.protocols import Job, Progress, Task
from keras_lottery.tasks import make_task
from keras_lottery.types import Training


@dataclass(frozen=True)
class Setup:
    """The settings from which a worker builds its task.

    Args:
        config: config of the experiment.
        modules: values of `--import`.
    """

    config: Config
    modules: tuple[str, ...]


class Kind(Enum):
    """The kinds of messages."""

    PROGRESS = "step, number of steps and loss"
    RESULT = "TrainingResult"
    REFUSED = "text of a LotteryError"
    FAILED = "traceback of any other error"


@dataclass(frozen=True)
class Message:
    """A message to the driver.

    Args:
        kind: kind of the message.
        training: the training that it is about.
        body: its content; see `Kind`.
        warnings: category and text of the training's warnings.
    """

    kind: Kind
    training: Training
    body: Any
    warnings: tuple[tuple[type[Warning], str], ...] = ()


def serve(connection: Connection, cores: frozenset[int]) -> None:
    """Runs in the worker process.

    It reads a `Setup`, then jobs. It answers each job with progress messages and one final message.
    Another `Setup` may follow.

    Args:
        connection: connection to the driver.
        cores: cores to pin the process to; empty: all.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver handles Ctrl-C
    threading.Thread(target=_end_with_driver, daemon=True).start()
    if cores:
        os.sched_setaffinity(0, cores)
    lean_keras.announce()
    with suppress(EOFError, OSError):  # the driver has closed the connection
        setup = connection.recv()
        while True:
            setup = _serve_one(connection, setup)


def _serve_one(connection: Connection, setup: Setup) -> Setup:
    """Trains networks of one experiment; returns the next one's setup."""
    with ExitStack() as stack:
        with suppress(Exception):  # without a backend; the first job reports the error
            stack.enter_context(_preserved())
        trainer = WorkerTask(setup)
        trainer.prepare()
        while not isinstance(received := connection.recv(), Setup):
            trainer.train(received, connection.send)
    return received


def _preserved() -> AbstractContextManager[None]:
    from keras_lottery.backend.global_state import preserved  # imports the backend

    return preserved()


class WorkerTask:
    """Trains networks of one experiment in a worker.

    Args:
        setup: settings from which it builds its task.
    """

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._task: Task | None = None

    def prepare(self) -> None:
        """Imports the backend and builds the task, if it can."""
        with suppress(Exception):  # the next training tries again, and reports the error
            self._task = _make_task(self._setup)

    def train(self, job: Job, send: Callable[[Message], None]) -> None:
        """Trains one network.

        Args:
            job: the training and its start.
            send: sends messages to the driver: progress, then one with the result or an error.
        """
        try:
            self._task = self._task or _make_task(self._setup)
            message = _train(self._task, job, send)
        except Exception as error:  # whatever the user's modules raise
            message = _problem(job[0], error)
        try:
            send(message)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            send(_problem(job[0], error))


def _make_task(setup: Setup) -> Task:
    for module in setup.modules:
        user_modules.import_named(module)
    _import_backend()
    user_modules.allow(*getattr(setup.config.data, "modules", ()))
    return make_task(setup.config)


def _import_backend() -> None:
    try:
        import keras  # noqa: F401
    except Exception as error:  # a package that is missing, broken, or too old for another one
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        raise LotteryError(
            f"Expected a worker that can import the {backend} backend. Received: "
            f"{type(error).__name__} on {platform.node()}: {reason_of(error)} Install it "
            f"there. {to_install(backend)}"
        ) from error


def _train(task: Task, job: Job, send: Callable[[Message], None]) -> Message:
    from keras_lottery.engine.executors.train_one import train

    training, start = job
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        result = train(task, training, start, _Reporter(send, training))
    noted = tuple((w.category, str(w.message)) for w in caught)
    return Message(Kind.RESULT, training, result, noted)


def _problem(training: Training, error: Exception) -> Message:
    if isinstance(error, LotteryError):
        return Message(Kind.REFUSED, training, str(error))
    return Message(Kind.FAILED, training, "".join(traceback.format_exception(error)))


class _Reporter:
    """Sends the progress of a training to the driver."""

    def __init__(self, send: Callable[[Message], None], training: Training) -> None:
        self._send, self._training = send, training

    @contextmanager
    def training(self, training: Training) -> Iterator[Progress]:
        yield self

    def update(self, step: int, of: int, loss: float) -> None:
        self._send(Message(Kind.PROGRESS, self._training, (step, of, float(loss))))

    def skip(self, trainings: int) -> None:
        pass


def _end_with_driver() -> None:
    """Ends this process, even during a training, if the driver dies."""
    if (driver := multiprocessing.parent_process()) is not None:
        wait([driver.sentinel])
        os._exit(1)
