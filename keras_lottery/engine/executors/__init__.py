"""Executors, which decide where trainings run: one file each."""

from collections.abc import Callable

from keras_lottery.config import Config
from keras_lottery.engine.progress import RunProgress
from keras_lottery.protocols import Executor, Task
from keras_lottery.registry import Registry

executors: Registry[Callable[[Config, Task, RunProgress], Executor]] = Registry("executor")
_SEQUENTIAL = "keras_lottery.engine.executors.sequential:Sequential"
# The command line resolves `auto` before it imports a backend. For Python callers, whose backend
# is already imported, starting workers no longer pays.
executors.register_lazily("auto", _SEQUENTIAL, "Chooses between the others, and prints its choice.")
executors.register_lazily("sequential", _SEQUENTIAL, "Trains one network at a time.")
executors.register_lazily(
    "processes",
    "keras_lottery.engine.executors.processes:Processes",
    "Trains several networks in parallel, each in a separate process.",
)
executors.register_lazily(
    "ray",
    "keras_lottery.engine.executors.ray:Ray",
    "Trains networks in parallel on a Ray cluster.",
)
executors.register_lazily(
    "vectorized",
    "keras_lottery.engine.executors.vectorized:Vectorized",
    "Trains many networks as one program, on JAX.",
)

__all__ = ["executors"]
