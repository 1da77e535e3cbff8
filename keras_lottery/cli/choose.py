"""Chooses the backend before Keras is imported, which reads it on import."""

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ml_collections import ConfigDict

from keras_lottery import config as configs
from keras_lottery import lean_keras, user_modules
from keras_lottery.cache import keep_programs
from keras_lottery.cli.fastest import fastest
from keras_lottery.engine.executors import executors, ray_cluster
from keras_lottery.engine.executors.choice import PARALLEL, choose
from keras_lottery.engine.executors.pool import visible_gpus
from keras_lottery.engine.executors.processes import start_workers
from keras_lottery.engine.executors.threads import limit_threads
from keras_lottery.errors import LotteryError, to_install, unknown_name
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tasks import task_schemas


def choose_backend(settings: Any, earlier: Callable[[], str] = str) -> str:
    """Resolves `auto` and sets KERAS_BACKEND, which Keras reads on import.

    Args:
        settings: the fields of a config that are known.
        earlier: returns the backend of the run that these settings resume; empty if there is none.
    """
    chosen = settings.get("backend", "auto")
    distribution = settings.get("distribution", "none")
    for kind, name, known in (
        ("backend", chosen, configs.BACKENDS),
        ("distribution", distribution, configs.DISTRIBUTIONS),
    ):
        if name not in known:
            raise unknown_name(kind, name, known)
    chosen = _required_by_task(str(settings.get("task", "")), chosen)
    if chosen == "auto":
        required = {"mirrored": "tensorflow", "tpu": "tensorflow", "data_parallel": "jax"}
        chosen = os.environ.get("KERAS_BACKEND") or required.get(distribution) or earlier()
    chosen = chosen or _fastest(settings)
    if chosen not in configs.BACKENDS:
        raise LotteryError(
            f"Expected KERAS_BACKEND to be one of {', '.join(configs.BACKENDS[1:])}. "
            f"Received: {chosen!r}. Unset it, or pass --backend."
        )
    if find_spec(chosen) is None:
        raise LotteryError(
            f"Expected an installed backend. Received: {chosen}. {to_install(chosen)}"
        )
    os.environ["KERAS_BACKEND"] = chosen
    lean_keras.announce()
    if chosen == "jax":
        keep_programs()
    return str(chosen)


def choose_and_import(
    settings: Any, modules: Iterable[str] = (), earlier: Callable[[], str] = str
) -> str:
    """Chooses the backend, then imports the user's modules, which may import Keras.

    A task that they register may require another backend, so it is chosen again. For the arguments
    see `choose_backend`.

    Raises:
        LotteryError: a module cannot be imported, or its task requires another backend.
    """
    task, first = str(settings.get("task", "")), choose_backend(settings, earlier)
    for module in modules:
        user_modules.import_named(module)
    if task and not task_schemas.registered(task):
        user_modules.load_installed()
    chosen = choose_backend(settings)
    if chosen != first and "keras" in sys.modules:
        raise LotteryError(
            f"Expected the {chosen} backend, the only one that the task {task!r} runs on. "
            f"Received: {first}, with which the module that registers it imported Keras. Set "
            f"KERAS_BACKEND={chosen}."
        )
    return chosen


def chosen_executor(config: configs.Config) -> configs.Config:
    """Chooses the executor and limits the threads, without starting workers.

    Raises:
        LotteryError: the executor, workers or threads don't fit.
    """
    executors.check(config.executor)
    choice = choose(config)
    if choice.reason:
        print(choice.reason)
    limit_threads(choice.config.threads)
    return choice.config


def prepare_executor(config: configs.Config) -> configs.Config:
    """Chooses the executor, limits the threads, and starts the workers.

    Workers import the backend at the same time as this process.

    Raises:
        LotteryError: the executor, workers or threads don't fit.
    """
    config = chosen_executor(config)
    if config.executor in PARALLEL:
        # Driver and workers share the GPUs; by default, the first process takes nearly all memory.
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    if config.executor == "processes":
        start_workers(config)
    if config.executor == "ray":  # before a run folder is created
        ray_cluster.connect(config.ray)
        ray_cluster.capacity(config)
    return config


def _required_by_task(task: str, requested: str) -> str:
    """Returns the backend that a task runs on, and sets the environment that it needs."""
    if not task_schemas.registered(task):
        return requested
    schema = task_schemas[task]
    if schema.backend and requested not in ("auto", schema.backend):
        raise LotteryError(
            f"Expected the {schema.backend} backend, the only one that the task {task!r} runs on. "
            f"Received: {requested}. Add --backend={schema.backend}."
        )
    os.environ.update(schema.environment)
    return schema.backend or requested


def _fastest(settings: Any) -> str:
    """Returns the fastest installed backend for the network that the settings name."""
    installed = [name for name in ("jax", "tensorflow", "torch") if find_spec(name) is not None]
    if not installed:
        raise LotteryError(
            f"Expected tensorflow, jax or torch. Received: none is installed. {to_install('jax')}"
        )
    task = str(settings.get("task", ""))
    if visible_gpus() or not task_schemas.registered(task):
        return installed[0]
    model = settings.get("model")
    name = model.get("name", "") if isinstance(model, Mapping | ConfigDict) else ""
    kind = task_schemas[task].kind(str(name))
    chosen, reason = fastest(kind, installed)
    if reason:
        print(f"{reason} (--backend=)")
    return chosen


def backend_for_tools(modules: Iterable[str] = ()) -> None:
    """Chooses the user's backend, or an installed one, and imports the user's modules."""
    choose_and_import({"backend": "auto"}, modules)


def backend_for_run(folder: Path, modules: Iterable[str] = ()) -> None:
    """Chooses the backend that the task of a run folder requires, else as `backend_for_tools`."""
    try:
        task = json.loads(RunPaths(folder).config.read_text())["config"]["task"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        task = ""  # the reader of the folder reports the problem
    choose_and_import({"backend": "auto", "task": task}, modules)
