"""Choosing the backend before Keras is imported, which reads it then."""

import json
import os
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from keras_lottery import config as configs
from keras_lottery import user_modules
from keras_lottery.cache import keep_programs
from keras_lottery.engine.executors.choice import choose
from keras_lottery.engine.executors.processes import start_workers
from keras_lottery.engine.executors.threads import limit_threads
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tasks import task_schemas


def choose_backend(settings: Any) -> str:
    """Settles `auto` and tells Keras, which reads its backend when it is first imported."""
    wanted = settings.get("backend", "auto")
    distribution = settings.get("distribution", "none")
    for kind, name, known in (
        ("backend", wanted, configs.BACKENDS),
        ("distribution", distribution, configs.DISTRIBUTIONS),
    ):
        if name not in known:
            raise unknown_name(kind, name, known)
    wanted = _as_the_task_needs(str(settings.get("task", "")), wanted)
    if wanted == "auto":
        needed = {"mirrored": "tensorflow", "tpu": "tensorflow", "data_parallel": "jax"}
        wanted = os.environ.get("KERAS_BACKEND") or needed.get(distribution) or _installed()
    if wanted not in configs.BACKENDS:
        raise LotteryError(
            f"Expected KERAS_BACKEND to be one of {', '.join(configs.BACKENDS[1:])}. "
            f"Received: {wanted!r}. Unset it, or pass --backend."
        )
    if find_spec(wanted) is None:
        raise LotteryError(
            f"Expected an installed backend. Received: {wanted}. "
            f"Run: pip install 'keras-lottery[{wanted}]'"
        )
    os.environ["KERAS_BACKEND"] = wanted
    if wanted == "jax":
        keep_programs()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    return str(wanted)


def choose_and_import(settings: Any, modules: Iterable[str] = ()) -> str:
    """Chooses the backend, then imports the user's modules, which may import Keras.

    A task that they register may need another backend, so it is chosen once more.

    Raises:
        LotteryError: a module cannot be imported, or its task needs another backend.
    """
    task, first = str(settings.get("task", "")), choose_backend(settings)
    for module in modules:
        user_modules.import_named(module)
    if task and not task_schemas.registered(task):
        user_modules.load_installed()
    chosen = choose_backend(settings)
    if chosen != first and "keras" in sys.modules:
        raise LotteryError(
            f"Expected the {chosen} backend, on which alone the task {task!r} runs. Received: "
            f"{first}, with which the module that registers it imported Keras. Set "
            f"KERAS_BACKEND={chosen}."
        )
    return chosen


def executed(config: configs.Config) -> configs.Config:
    """Decides who trains, limits the threads, and starts the workers.

    They import the backend while this process does.

    Raises:
        LotteryError: the executor, workers or threads don't fit.
    """
    choice = choose(config)
    if choice.reason:
        print(choice.reason)
    limit_threads(choice.config.threads)
    if choice.config.executor == "processes":
        start_workers(choice.config)
    return choice.config


def _as_the_task_needs(task: str, wanted: str) -> str:
    """Returns the backend that a task runs on, and sets the environment that it needs."""
    if not task_schemas.registered(task):
        return wanted
    schema = task_schemas[task]
    if schema.backend and wanted not in ("auto", schema.backend):
        raise LotteryError(
            f"Expected the {schema.backend} backend, on which alone the task {task!r} runs. "
            f"Received: {wanted}. Add --backend={schema.backend}."
        )
    os.environ.update(schema.environment)
    return schema.backend or wanted


def _installed() -> str:
    for backend in ("jax", "tensorflow", "torch"):
        if find_spec(backend) is not None:
            return backend
    raise LotteryError(
        "Expected tensorflow, jax or torch. Received: none is installed. "
        "Run: pip install 'keras-lottery[jax]'"
    )


def backend_for_tools(modules: Iterable[str] = ()) -> None:
    """Takes the user's backend, or whichever is installed, and imports the user's modules."""
    choose_and_import({"backend": "auto"}, modules)


def backend_for_run(folder: Path, modules: Iterable[str] = ()) -> None:
    """Takes the backend that the task of a run folder needs, or as `backend_for_tools` does."""
    try:
        task = json.loads(RunPaths(folder).config.read_text())["config"]["task"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        task = ""  # whoever reads the folder says what is wrong with it
    choose_and_import({"backend": "auto", "task": task}, modules)
