"""An experiment, from its config to a finished run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_lottery import user_modules
from keras_lottery.backend.global_state import preserved
from keras_lottery.config import Config
from keras_lottery.engine import run_folder
from keras_lottery.engine.check_config import check, check_sources, check_task
from keras_lottery.engine.compacted import measure_compacted
from keras_lottery.engine.driver import drive
from keras_lottery.engine.executors import executors
from keras_lottery.engine.executors.choice import PARALLEL, choose
from keras_lottery.engine.executors.vectorized import vectorized_task
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.progress import ProgressBar
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.engine.run_writer import RunWriter
from keras_lottery.protocols import Task
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.tasks import make_task
from keras_lottery.types import Training


def run(config: Config) -> Path:
    """Runs or resumes an experiment, and returns the run folder.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.
    """
    if config.executor in (*PARALLEL, "vectorized"):  # the command line has decided this before
        config = choose(config).config
    with open_run(config) as (paths, task):
        train_all(config, paths, task)
        measure_compacted(config, paths, task)
    return paths.root


@contextmanager
def open_run(config: Config) -> Iterator[tuple[RunPaths, Task]]:
    """Checks a config, locks its run folder, makes its task and writes config.json.

    The global state of the process is restored at the end.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.
    """
    check(config)
    check_sources(config)
    paths = paths_of(config)
    with preserved(), run_folder.held(paths):
        # A config passed to `run` is the user's own, unlike one read from a run folder.
        user_modules.allow(*getattr(config.data, "modules", ()))
        task = make_task(config)
        if config.executor == "vectorized":
            vectorized_task(task)
        check_task(config, task)
        run_folder.write_config(paths, config, task)
        yield paths, task


def train_all(config: Config, paths: RunPaths, task: Task) -> list[int]:
    """Trains the missing networks of an open run: the dense one and the config's arms.

    Returns:
        The seeds whose dense network is finished; the others diverged.
    """
    writer, plan = RunWriter(config, paths, task), trainings(config)
    with ProgressBar(len(plan), len(writer.done() & set(plan))) as progress:
        executor = executors[config.executor](config, task, progress)
        drive(config, RunReader(config, paths, task), writer, executor, progress)
    dense = {seed: Training("", config.task, seed, 0, "dense") for seed in config.seeds}
    return [seed for seed, training in dense.items() if writer.is_finished(training)]
