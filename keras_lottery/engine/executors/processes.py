"""Parallel trainings in worker processes that keep their compiled programs."""

from collections.abc import Collection, Iterable

from keras_lottery import user_modules
from keras_lottery.config import Config
from keras_lottery.engine.executors.parallel import Parallel
from keras_lottery.engine.executors.pool import Worker, pool, reporting
from keras_lottery.engine.executors.serving import Setup
from keras_lottery.engine.executors.threads import cores
from keras_lottery.engine.progress import RunProgress
from keras_lottery.protocols import Task


class Processes(Parallel[Worker]):
    """Trains in worker processes of this machine.

    If a worker is killed or runs out of memory, its training restarts in another one.

    Args:
        config: config of the experiment, from which each worker builds its task.
        task: the driver's task; workers build their own.
        progress: shows all running trainings.
    """

    def __init__(self, config: Config, task: Task, progress: RunProgress) -> None:
        super().__init__(progress)
        self._workers = _workers(config)

    def _started(self) -> Iterable[Worker]:
        return self._workers  # what is sent to a starting process waits in its connection

    def _reporting(self, busy: Collection[Worker]) -> Collection[Worker]:
        return reporting(busy)

    def _replace(self, worker: Worker) -> None:
        self._workers[self._workers.index(worker)] = worker.successor()

    def _end(self, busy: Collection[Worker]) -> None:
        for worker in busy:
            worker.stop()
        pool.release(self._workers)


def start_workers(config: Config) -> None:
    """Starts a config's workers, which import their backend in the background."""
    pool.release(_workers(config))


def _workers(config: Config) -> list[Worker]:
    threads = config.threads or 1
    count = config.workers or max(1, cores() // threads)
    return pool.take(count, threads, Setup(config, tuple(user_modules.flags().values())))
