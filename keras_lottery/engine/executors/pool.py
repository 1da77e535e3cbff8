"""A pool of worker processes that outlives an experiment, so that each imports a backend once."""

import atexit
import multiprocessing
import os
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import wait

from keras_lottery.engine.executors.serving import Message, Setup, serve
from keras_lottery.engine.executors.threads import limits
from keras_lottery.protocols import Job

# fork would copy the locks that TensorFlow's and JAX's threads hold, and deadlock.
_SPAWN = multiprocessing.get_context("spawn")
_STARTING = threading.Lock()


class Worker:
    """A worker process, as the driver sees it.

    Args:
        slot: its index in the pool, which decides its cores.
        threads: number of cores on which it trains.
        gpu: the only GPU that it sees; None: all of them.
    """

    def __init__(self, slot: int, threads: int, gpu: str | None) -> None:
        self.slot, self.threads = slot, threads
        self._gpu = gpu
        self._setup: Setup | None = None
        self.connection, child_connection = _SPAWN.Pipe()
        arguments = (child_connection, _cores(slot, threads))
        self._process = _SPAWN.Process(target=serve, args=arguments, daemon=True)
        device = {} if gpu is None else {"CUDA_VISIBLE_DEVICES": gpu}
        with _environment(limits(threads) | device):
            self._process.start()
        child_connection.close()  # otherwise the connection would outlive the process

    def prepare(self, setup: Setup) -> None:
        """Makes it build the task of the trainings that follow."""
        if setup != self._setup:
            self._setup = setup
            self.send(setup)

    def send(self, item: Setup | Job) -> bool:
        """Sends a setup or a training; returns False if the process has died."""
        try:
            self.connection.send(item)
        except OSError:
            return False
        return True

    def receive(self) -> Message | None:
        """Returns the next message; None if the process has died."""
        try:
            message: Message = self.connection.recv()
        except (OSError, EOFError):
            return None
        return message

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def stop(self) -> str:
        """Kills the process; returns its exit code, with what it means."""
        self._process.kill()
        self._process.join()
        self.connection.close()
        code = self._process.exitcode
        return f"exit code {code}" + " (killed, often for lack of memory)" * (code == -9)

    def successor(self) -> "Worker":
        """Starts a process that replaces this one, which has ended."""
        new = Worker(self.slot, self.threads, self._gpu)
        if self._setup:
            new.prepare(self._setup)
        return new


class Pool:
    """The idle workers of this process; a run takes them and gives them back."""

    def __init__(self) -> None:
        self._idle: list[Worker] = []

    def take(self, count: int, threads: int, setup: Setup) -> list[Worker]:
        """Returns workers, starting new ones as needed.

        Args:
            count: number of workers.
            threads: threads of each.
            setup: settings from which they build their task.
        """
        for worker in list(self._idle):
            if worker.threads != threads or not worker.is_alive():
                self._idle.remove(worker)
                worker.stop()
        gpus = visible_gpus()
        workers = []
        idle = {worker.slot: worker for worker in self._idle}  # each slot has its cores and GPU
        for slot in range(count):
            gpu = gpus[slot % len(gpus)] if len(gpus) > 1 else None
            worker = idle.pop(slot) if slot in idle else Worker(slot, threads, gpu)
            worker.prepare(setup)
            workers.append(worker)
        self._idle = list(idle.values())
        return workers

    def release(self, workers: Collection[Worker]) -> None:
        """Keeps the live ones of taken workers for the next run."""
        self._idle += [worker for worker in workers if worker.is_alive()]

    def close(self) -> None:
        """Kills all idle workers."""
        while self._idle:
            self._idle.pop().stop()


pool = Pool()
atexit.register(pool.close)


def reporting(workers: Collection[Worker]) -> list[Worker]:
    """Waits for workers; returns those that sent a message or died."""
    if not workers:  # wait would never return
        return []
    readable = wait([worker.connection for worker in workers])
    return [worker for worker in workers if worker.connection in readable]


def visible_gpus() -> list[str]:
    """Returns the NVIDIA GPUs that this process may use, without importing a backend."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [gpu for gpu in named.split(",") if gpu.strip() not in ("", "-1")]
    try:
        return [str(i) for i in range(len(os.listdir("/proc/driver/nvidia/gpus")))]
    except OSError:
        return []


def _cores(slot: int, threads: int) -> frozenset[int]:
    """Returns the cores that a worker is pinned to; empty if the system can't pin."""
    if sys.platform != "linux":
        return frozenset()
    allowed = sorted(os.sched_getaffinity(0))
    return frozenset(allowed[(slot * threads + i) % len(allowed)] for i in range(threads))


@contextmanager
def _environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for a process started in this context.

    Its Python starts without the current folder, where a file could shadow a module.
    """
    changes = {**changes, "PYTHONSAFEPATH": "1"}
    with _STARTING:
        before = {name: os.environ.get(name) for name in changes}
        os.environ.update(changes)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
