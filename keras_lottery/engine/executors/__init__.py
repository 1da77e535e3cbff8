"""Where trainings run: one file for each executor."""

from collections.abc import Callable

from keras_lottery.engine.progress import RunProgress
from keras_lottery.registry import Registry
from keras_lottery.types import Executor, Task

executors: Registry[Callable[[Task, RunProgress], Executor]] = Registry("executor")
executors.register_lazily("sequential", "keras_lottery.engine.executors.sequential:Sequential")

__all__ = ["executors"]
