"""Parallel trainings in worker processes that keep their compiled programs."""

import warnings
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import ExitStack

from keras_lottery import user_modules
from keras_lottery.config import Config
from keras_lottery.engine.executors.pool import Worker, pool, reporting
from keras_lottery.engine.executors.serving import Kind, Message, Setup
from keras_lottery.engine.executors.threads import cores
from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Job, Progress, Task
from keras_lottery.types import Training, TrainingResult

ATTEMPTS = 3
"""How many workers a training may lose before the run stops."""


class Processes:
    """Trains one network per worker at a time.

    If a worker is killed or runs out of memory, its training restarts in another one.

    Args:
        config: config of the experiment, from which each worker builds its task.
        task: the driver's task; workers build their own.
        progress: shows all running trainings.
    """

    def __init__(self, config: Config, task: Task, progress: RunProgress) -> None:
        self._progress = progress
        self._workers = _workers(config)
        self._jobs: dict[Worker, Job] = {}  # trainings in flight
        self._shown: dict[Training, tuple[ExitStack, Progress]] = {}
        self._lost: Counter[Training] = Counter()

    def run(
        self, take: Callable[[], Job | None]
    ) -> Generator[tuple[Training, TrainingResult], None, None]:
        try:
            while self._hand_out(take):
                for worker in reporting(self._jobs):
                    message = worker.receive()
                    if message is None:
                        self._train(self._successor(worker, self._jobs.pop(worker)))
                    elif message.kind is Kind.PROGRESS:
                        self._shown[self._jobs[worker][0]][1].update(*message.body)
                    else:
                        yield self._ended(self._jobs.pop(worker)[0], message)
        finally:
            for worker in self._jobs:  # an error ended the run
                worker.stop()
            pool.release(self._workers)

    def _hand_out(self, take: Callable[[], Job | None]) -> bool:
        """Gives a training to every idle worker; returns False if no worker trains any more."""
        for worker in self._workers:
            if worker not in self._jobs and (job := take()):
                stack = ExitStack()
                shown = stack.enter_context(self._progress.training(job[0]))
                self._shown[job[0]] = stack, shown
                self._train((worker, job))
        return bool(self._jobs)

    def _train(self, pair: tuple[Worker, Job]) -> None:
        worker, job = pair
        self._jobs[worker] = job  # before it is sent, which Ctrl-C may interrupt
        while not worker.send(job):
            worker, job = self._successor(worker, self._jobs.pop(worker))
            self._jobs[worker] = job

    def _successor(self, worker: Worker, job: Job) -> tuple[Worker, Job]:
        """Replaces a worker that died; returns the new one and its training.

        Raises:
            LotteryError: the training has lost too many workers.
        """
        training, slot = job[0], self._workers.index(worker)
        self._lost[training] += 1
        code = worker.stop()
        self._workers[slot] = worker.successor()
        if self._lost[training] == ATTEMPTS:
            raise LotteryError(
                f"Expected workers to finish {_name(training)}. Received: {ATTEMPTS} crashes, "
                f"the last one with exit code {code} (-9: killed, often for "
                "lack of memory). Lower --workers, or look for the reason with "
                "--executor=sequential; finished trainings are kept."
            )
        return self._workers[slot], job

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


def start_workers(config: Config) -> None:
    """Starts a config's workers, which import their backend in the background."""
    pool.release(_workers(config))


def _workers(config: Config) -> list[Worker]:
    threads = config.threads or 1
    count = config.workers or max(1, cores() // threads)
    return pool.take(count, threads, Setup(config, tuple(user_modules.flags().values())))


def _name(training: Training) -> str:
    return f"seed {training.seed}, round {training.round}, {training.arm}"
