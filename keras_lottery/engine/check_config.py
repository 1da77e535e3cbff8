"""Checks of a config against its arms, sources and task, before anything is trained."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace

from keras_lottery import backend, pruning
from keras_lottery.arms import arms
from keras_lottery.checks import check_path_name
from keras_lottery.config import Config, study_schemas
from keras_lottery.config.validation import without_xla
from keras_lottery.engine.executors import executors
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.pruner import check_rounds
from keras_lottery.engine.run_reader import lost_sources, source_file
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Task
from keras_lottery.training.optimizers import build_optimizer
from keras_lottery.types import Training, VariableInfo


def check(config: Config) -> None:
    """Raises LotteryError for unknown names and fields that exclude each other."""
    if config.backend not in ("auto", backend.name()):
        raise LotteryError(
            f"Expected backend={backend.name()!r}, on which Keras runs here, or 'auto'. Received: "
            f"{config.backend!r}. Set KERAS_BACKEND={config.backend} before Keras is imported."
        )
    if config.train.jit != "auto" and (reasons := without_xla(backend.name())):
        # A warning only: the config may be meant for several backends.
        warnings.warn(f"train.jit has no effect {reasons['train.jit']}.", stacklevel=3)
    if config.train.dtype_policy == "float64" and not backend.has_float64():
        raise LotteryError(
            "Expected train.dtype_policy='float64' where JAX computes in 64 bits. Received: JAX "
            "with 32. Set JAX_ENABLE_X64=1, or use float32."
        )
    _check_names(config)
    pruning.check_choices(config.prune.pattern, config.prune.criterion, config.prune.scope)
    check_arms(config)
    check_claims(config)
    executors.check(config.executor)
    for section in (config, config.supermask, config.edge_popup):
        build_optimizer(section.optimizer, steps_per_epoch=1, total_steps=1)


def check_sources(config: Config) -> None:
    """Raises LotteryError for a ticket that `transfer.sources` lacks."""
    lost = lost_sources(config)
    for training in trainings(config):
        if training.source and training.arm == "winning" and training not in lost:
            source_file(config, training)


def check_task(config: Config, task: Task) -> None:
    """Raises LotteryError for a rewind point, a round or an arm that does not fit the task."""
    check_rewind(config, task)
    has_arms = study_schemas[config.study].has_arms  # else it trains other rounds, or none
    check_rounds(config if has_arms else replace(config, arms=()), task.variables())
    check_network(config, task.variables())


def _check_names(config: Config) -> None:
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
