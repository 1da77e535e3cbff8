"""An experiment, from its config to a finished run."""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from keras_lottery import backend, pruning, user_modules
from keras_lottery.arms import arms
from keras_lottery.backend.global_state import preserved
from keras_lottery.checks import check_path_name
from keras_lottery.config import Config, study_schemas
from keras_lottery.config.validation import without_xla
from keras_lottery.engine import run_folder
from keras_lottery.engine.compacted import measure_compacted
from keras_lottery.engine.driver import drive
from keras_lottery.engine.executors import executors
from keras_lottery.engine.executors.choice import PARALLEL, choose
from keras_lottery.engine.executors.vectorized import vectorized_task
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.progress import ProgressBar
from keras_lottery.engine.pruner import check_rounds
from keras_lottery.engine.run_reader import RunReader, lost_sources, source_file
from keras_lottery.engine.run_writer import RunWriter
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.tasks import make_task
from keras_lottery.training.optimizers import build_optimizer
from keras_lottery.types import Training, VariableInfo


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
    if config.backend not in ("auto", backend.name()):
        raise LotteryError(
            f"Expected backend={backend.name()!r}, on which Keras runs here, or 'auto'. Received: "
            f"{config.backend!r}. Set KERAS_BACKEND={config.backend} before Keras is imported."
        )
    paths = paths_of(config)
    with preserved(), run_folder.held(paths):
        # A config passed to `run` is the user's own, unlike one read from a run folder.
        user_modules.allow(*getattr(config.data, "modules", ()))
        task = make_task(config)
        if config.executor == "vectorized":
            vectorized_task(task)
        check_rewind(config, task)
        has_arms = study_schemas[config.study].has_arms  # else it trains other rounds, or none
        check_rounds(config if has_arms else replace(config, arms=()), task.variables())
        check_network(config, task.variables())
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


def check(config: Config) -> None:
    """Raises LotteryError for unknown names or sources, before anything is built."""
    for name in (*config.arms, *config.keep_trained, *config.transfer.arms):
        arms.check(name)
        if "+" in name or re.search(r"-\d+$", name):
            raise LotteryError(
                "Expected an arm's name without + and without a number after -, with which files "
                f"of transferred tickets and draws are named. Received: {name!r}. Rename it."
            )
    for name in config.transfer.sources:
        check_path_name("a source", name)
    for name in config.transfer.arms:
        parents = arms[name].parents(Training("", "", 0, 1, name))
        if name != "winning" and {parent.arm for parent in parents} != {"winning"}:
            raise LotteryError(
                f"Expected transfer.arms that use a ticket's masks. Received: {name!r}, which "
                "prunes its own weights. Leave it out."
            )
    if config.train.jit != "auto" and (reasons := without_xla(backend.name())):
        # A warning only: the config may be meant for several backends.
        warnings.warn(f"train.jit has no effect {reasons['train.jit']}.", stacklevel=3)
    lost = lost_sources(config)
    for training in trainings(config):
        if training.source and training.arm == "winning" and training not in lost:
            source_file(config, training)
    pruning.check_choices(config.prune.pattern, config.prune.criterion, config.prune.scope)
    check_arms(config)
    check_claims(config)
    executors.check(config.executor)
    for section in (config, config.supermask, config.edge_popup):
        build_optimizer(section.optimizer, steps_per_epoch=1, total_steps=1)


def check_arms(config: Config) -> None:
    """Raises LotteryError for arms that choose single weights under a structured pattern."""
    names = {*config.arms, *config.transfer.arms}
    wrong = sorted(name for name in names if arms[name].unstructured)
    if wrong and config.prune.pattern != "weights":
        raise LotteryError(
            f"Expected arms that can prune {config.prune.pattern}. Received: {', '.join(wrong)}, "
            "which choose single weights. Leave them out, or set prune.pattern='weights'."
        )


def check_claims(config: Config) -> None:
    """Raises LotteryError for claims about unknown arms."""
    if not study_schemas[config.study].has_arms:  # the claims are about what it compares instead
        return
    for claim in config.claims:
        for name in filter(None, (claim.arm, claim.control)):
            _ = arms[name.partition(" from ")[0]]


def check_network(config: Config, infos: Sequence[VariableInfo]) -> None:
    """Raises LotteryError for arms that need a chain of dense layers, or layers that are alike."""
    names = {*config.arms, *config.transfer.arms}
    if any(arms[name].alike_layers for name in names):
        pruning.alike_layers({info.path: info.shape for info in infos if info.prunable})
    wrong = sorted(name for name in names if arms[name].dense_chain)
    if wrong and all(info.chain is None for info in infos):
        raise LotteryError(
            f"Expected a chain of dense layers for the arm {', '.join(wrong)}. "
            "Received: a network with other layers. Leave the arm out."
        )


def check_rewind(config: Config, task: Task) -> None:
    """Raises LotteryError if the rewind point is not before the end of training."""
    last, point = task.steps(config.train.length), task.steps(config.rewind.to)
    if point >= last:
        raise LotteryError(
            f"Expected rewind.to before the end of the training at step {last}. "
            f"Received: {config.rewind.to} (step {point}). Rewind to an earlier point."
        )
