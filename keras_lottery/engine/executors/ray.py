"""Parallel trainings on a Ray cluster: one actor per GPU, or per group of cores."""

import os
import pickle
import warnings
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any

from keras_lottery import user_modules
from keras_lottery.cache import keep_programs
from keras_lottery.config import Config
from keras_lottery.engine.executors import ray_cluster as cluster
from keras_lottery.engine.executors.choice import width
from keras_lottery.engine.executors.parallel import ATTEMPTS, Parallel
from keras_lottery.engine.executors.serving import Message, Setup, Trainer
from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import LotteryError, MissingExtraError, reason_of
from keras_lottery.protocols import Job, Task

try:
    import ray
    from ray.exceptions import RayError
except ImportError as error:
    raise MissingExtraError("ray", "ray") from error

_PATIENCE = 60.0
"""Seconds without any worker until the user is told what the run waits for."""


class Actor:
    """Runs on a node of the cluster, and keeps the compiled program.

    Messages are pickled here, so that arrays are writable where they arrive. Ray would map them
    from its object store.

    Args:
        config: the pickled config; it may need the modules.
        modules: values of `--import`.
        folder: the driver's working folder, to which paths of the config may be relative.
    """

    def __init__(self, config: bytes, modules: tuple[str, ...], folder: str) -> None:
        if os.path.isdir(folder):
            os.chdir(folder)
        if os.environ.get("KERAS_BACKEND") == "jax":
            keep_programs()
        for module in modules:
            user_modules.import_named(module)
        self._trainer = Trainer(Setup(pickle.loads(config), modules))
        # One thread for all: parts of the state of Keras and of the backends belong to a thread.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._thread.submit(self._trainer.prepare)

    def ready(self) -> None:
        """Returns when the actor has started."""

    def train(self, job: bytes) -> Iterator[bytes]:
        """Trains one network and yields its messages."""
        messages: SimpleQueue[bytes | None] = SimpleQueue()
        send = partial(_put, messages)
        training = self._thread.submit(self._trainer.train, pickle.loads(job), send)
        training.add_done_callback(lambda _: messages.put(None))
        # Ray sends to the generator, which an iterator behind `yield from` would refuse.
        for message in iter(messages.get, None):  # noqa: UP028
            yield message
        training.result()  # raises SystemExit, for example, which sends no message


def _put(messages: "SimpleQueue[bytes | None]", message: Message) -> None:
    messages.put(pickle.dumps(message, protocol=pickle.HIGHEST_PROTOCOL))


class RayWorker:
    """An actor, as the driver sees it.

    Args:
        options: Ray's options of the actor: its resources and its environment.
        setup: settings from which it builds its task.
    """

    def __init__(self, options: dict[str, Any], setup: Setup) -> None:
        arguments = (pickle.dumps(setup.config), setup.modules, os.getcwd())
        self._actor: Any = ray.remote(Actor).options(**options).remote(*arguments)
        self.answers: Any = self._actor.ready.remote()  # then an ObjectRefGenerator
        self._death = ""

    def has_started(self) -> bool:
        """Receives the answer of a starting actor; returns False if it has died."""
        try:
            ray.get(self.answers)
        except RayError as error:
            self._death = _text(error)
            return False
        return True

    def send(self, job: Job) -> bool:
        data = pickle.dumps(job, protocol=pickle.HIGHEST_PROTOCOL)
        self.answers = self._actor.train.options(num_returns="streaming").remote(data)
        return True  # a dead actor answers with its error

    def receive(self) -> Message | None:
        try:
            message: Message = pickle.loads(ray.get(next(self.answers)))
        except (RayError, StopIteration) as error:
            self._death = _text(error)
            return None
        return message

    def stop(self) -> str:
        ray.kill(self._actor)
        return self._death


class Ray(Parallel[RayWorker]):
    """Trains in actors on the nodes of a Ray cluster, which need no shared disk.

    Starts and results travel through Ray's object store, and each node reads the data sets itself.
    If an actor or its node dies, its training restarts in another actor.

    Args:
        config: config of the experiment, from which each actor builds its task.
        task: the driver's task; actors build their own.
        progress: shows all running trainings.

    Raises:
        LotteryError: there is no such cluster, or none of its nodes fits a training.
    """

    def __init__(self, config: Config, task: Task, progress: RunProgress) -> None:
        super().__init__(progress)
        self._connected = cluster.connect(config.ray)
        capacity, self._need = cluster.capacity(config)
        self._options = cluster.actor_options(config, self._need)
        self._setup = Setup(config, tuple(user_modules.flags().values()))
        self._idle_or_busy: list[RayWorker] = []
        self._failed_starts = 0
        count = config.workers or min(capacity, width(config))
        try:
            self._starting = [self._new() for _ in range(count)]
        except ValueError as error:
            raise LotteryError(
                "Expected resources that Ray can give: more than one GPU only in whole numbers. "
                f"Received: {cluster.listed(self._need)}: {reason_of(error)} Change resources."
            ) from error

    def _new(self) -> RayWorker:
        return RayWorker(self._options, self._setup)

    def _ready(self) -> Iterable[RayWorker]:
        while not self._idle_or_busy:
            self._wait(())
        return self._idle_or_busy

    def _reporting(self, busy: Collection[RayWorker]) -> Collection[RayWorker]:
        return self._wait(busy)

    def _wait(self, busy: Collection[RayWorker]) -> list[RayWorker]:
        """Waits for one worker; returns it unless it has just started or failed to."""
        waiting = {worker.answers: worker for worker in (*busy, *self._starting)}
        if not waiting:
            return []
        answers, _ = ray.wait(list(waiting), num_returns=1, timeout=None if busy else _PATIENCE)
        if not answers:
            warnings.warn(
                f"Waiting for a node of the cluster with {cluster.listed(self._need)} to spare.",
                stacklevel=2,
            )
            return []
        worker = waiting[answers[0]]
        if worker in busy:
            return [worker]
        self._starting.remove(worker)
        if worker.has_started():
            self._idle_or_busy.append(worker)
            self._failed_starts = 0
        else:
            self._start_again(worker)
        return []

    def _start_again(self, worker: RayWorker) -> None:
        self._failed_starts += 1
        reason = worker.stop()
        if self._failed_starts == ATTEMPTS:
            raise LotteryError(
                f"Expected actors that start, with keras-lottery installed on every node. "
                f"Received: {ATTEMPTS} failures, the last one with {reason}. Compare the nodes' "
                "Python environments with this one's."
            )
        self._starting.append(self._new())

    def _replace(self, worker: RayWorker) -> None:
        self._idle_or_busy.remove(worker)
        self._starting.append(self._new())

    def _end(self, busy: Collection[RayWorker]) -> None:
        for worker in (*self._idle_or_busy, *self._starting):
            worker.stop()
        if self._connected:
            cluster.disconnect()


def _text(error: Exception) -> str:
    """Returns the last line of an error of Ray, whose others are the trace and addresses."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, Exception):
        return f"{type(cause).__name__}: {reason_of(cause)}".rstrip(".")
    return f"{type(error).__name__}: {reason_of(error)}".rstrip(".")
