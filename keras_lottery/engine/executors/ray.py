"""Parallel trainings on a Ray cluster: one actor per GPU, or per group of cores."""

import os
import pickle
import warnings
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from queue import SimpleQueue
from typing import Any

from keras_lottery import lean_keras, user_modules
from keras_lottery.cache import keep_programs
from keras_lottery.config import Config
from keras_lottery.engine.executors import ray_cluster as cluster
from keras_lottery.engine.executors.choice import width
from keras_lottery.engine.executors.parallel import ATTEMPTS, Parallel
from keras_lottery.engine.executors.serving import Message, Setup, WorkerTask
from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import LotteryError, MissingExtraError, reason_of
from keras_lottery.protocols import Job, Task

try:
    import ray
    from ray.exceptions import RayError
except ImportError as error:
    raise MissingExtraError("ray", "ray") from error

_PATIENCE = 60.0
"""Seconds without a worker before the user is told what the run is waiting for."""


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
        lean_keras.announce()
        if os.environ.get("KERAS_BACKEND") == "jax":
            keep_programs()
        for module in modules:
            user_modules.import_named(module)
        self._trainer = WorkerTask(Setup(pickle.loads(config), modules))
        # One thread for all: parts of the state of Keras and of the backends belong to a thread.
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._thread.submit(self._trainer.prepare).result()

    def ping(self) -> None:
        """Does nothing; it fails if the actor could not start, or has died."""

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
        self.answers: Any = self._actor.ping.remote()  # of a training: an ObjectRefGenerator
        self._death = ""

    def is_alive(self) -> bool:
        try:
            ray.get(self._actor.ping.remote())
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
        self._idle_or_busy: list[RayWorker] = []
        self._starting: list[RayWorker] = []
        self._failed_starts = 0
        self._connected = cluster.connect(config.ray)
        try:
            self._start(config)
        except BaseException:
            self._end(())
            raise

    def _start(self, config: Config) -> None:
        """Starts the actors."""
        capacity, self._need = cluster.capacity(config)
        self._options = cluster.actor_options(config, self._need)
        self._setup = Setup(config, tuple(user_modules.flags().values()))
        try:
            for _ in range(config.workers or min(capacity, width(config))):
                self._starting.append(self._new())
        except ValueError as error:  # half a TPU chip, or one and a half GPUs
            raise LotteryError(
                f"Expected resources in amounts that Ray can give. Received: "
                f"{cluster.listed(self._need)}: {reason_of(error)} Change --config.resources."
            ) from error

    def _new(self) -> RayWorker:
        return RayWorker(self._options, self._setup)

    def _started(self) -> Iterable[RayWorker]:
        return self._idle_or_busy

    def _reporting(self, busy: Collection[RayWorker]) -> Collection[RayWorker]:
        workers = {worker.answers: worker for worker in (*busy, *self._starting)}
        answers, _ = ray.wait(list(workers), num_returns=1, timeout=None if busy else _PATIENCE)
        if not answers:
            warnings.warn(
                f"Waiting for an actor to start, which needs {cluster.listed(self._need)} of a "
                "node.",
                stacklevel=2,
            )
            return []
        worker = workers[answers[0]]
        if worker in self._starting:
            self._starting.remove(worker)
            self._check_start(worker)
            return []
        return [worker]

    def _check_start(self, worker: RayWorker) -> None:
        if worker.is_alive():
            self._idle_or_busy.append(worker)
            self._failed_starts = 0
            return
        self._failed_starts += 1
        reason = worker.stop()
        if self._failed_starts == ATTEMPTS:
            raise LotteryError(
                f"Expected actors to start on the cluster's nodes. Received: {ATTEMPTS} that "
                f"failed, the last one with {reason}. Install on every node what this machine has."
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
    """Returns the class and first line of an error, or of the one that Ray wrapped in it."""
    cause = getattr(error, "cause", None)
    shown = cause if isinstance(cause, Exception) else error
    return f"{type(shown).__name__}: {reason_of(shown)}".rstrip(".")
