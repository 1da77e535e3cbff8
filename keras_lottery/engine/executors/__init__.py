"""Who trains: one file each."""

from collections.abc import Callable

from keras_lottery.engine.work import Worker
from keras_lottery.registry import Registry
from keras_lottery.types import Executor

executors: Registry[Callable[[Worker], Executor]] = Registry("executor")
executors.register_lazily("sequential", "keras_lottery.engine.executors.sequential:Sequential")

__all__ = ["executors"]
