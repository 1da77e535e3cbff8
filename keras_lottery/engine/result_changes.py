"""Fixes that changed the results of trainings, and the runs they affect."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_lottery.config import Config, imports, thaw
from keras_lottery.engine.pruner import criteria_of
from keras_lottery.errors import LotteryError
from keras_lottery.pruning import criteria
from keras_lottery.records import RESULTS_VERSION_KEY


@dataclass(frozen=True)
class Change:
    """A fix after which the same config gives different results.

    Args:
        version: the first results version with the fix.
        summary: what changed, as a clause.
        concerns: returns whether it changes the results of a config.
        certain: False if it depends on the network or the device, or on the user's own files or
            code, which are not in the config: such a run resumes with a warning.
    """

    version: int
    summary: str
    concerns: Callable[[Config], bool]
    certain: bool = True


def _prunes_by_grasp(config: Config) -> bool:
    return "grasp" in criteria_of(config)


def _sums_over_channels(config: Config) -> bool:
    reductions = [criteria[name].reduction for name in criteria_of(config)]
    return config.prune.pattern == "channels" and not all(r.mean or r.first for r in reductions)


def _data_set(config: Config) -> str:
    return getattr(config.data, "name", "")


def _reads_own_images(config: Config) -> bool:
    return config.task == "vision" and _data_set(config) in ("arrays", "folder")


def _reads_own_table(config: Config) -> bool:
    return config.task == "bert" and _data_set(config) == "tsv"


def _uses_own_code(config: Config) -> bool:
    return bool(imports.needs_of(thaw(config)))


def _prunes_channels_of_new_layers(config: Config) -> bool:
    is_channels = config.prune.pattern == "channels"
    return is_channels and (_uses_own_code(config) or config.task == "bert")


def _trains_on_torch(config: Config) -> bool:
    return config.backend == "torch"


def _skips_steps(config: Config) -> bool:
    model: Any = config.model
    if config.task != "rl" or model.algorithm != "dqn":
        return False
    return config.optimizer.schedule != "constant" or model.dqn.target_period > 1


def _fine_tunes_beyond(config: Config) -> bool:
    fine_tunes = config.rewind.mode == "fine_tune" or "fine_tune" in config.arms
    return fine_tunes and config.optimizer.schedule in ("cosine", "linear", "inverse_sqrt")


def _plays_ppo(config: Config) -> bool:
    model: Any = config.model
    return config.task == "rl" and model.algorithm == "ppo"


def _counts_games(config: Config) -> bool:
    data: Any = config.data
    return config.task == "rl" and data.epoch_unit == "games"


def _averages_networks(config: Config) -> bool:
    return config.study == "instability"


def _evaluates_some_examples(config: Config) -> bool:
    options: Any = config.options
    return config.study == "supermasks" and options.validation_examples > 0


CHANGES = (
    Change(1, "images of 16 bits, with alpha, in floats from 0 to 255 or with labels that don't "
           "count from 0 are read differently", _reads_own_images, certain=False),
    Change(1, "quoted fields and rows without a label are read differently", _reads_own_table,
           certain=False),
    Change(1, "initializers with a fixed seed differ between seeds and draws", _uses_own_code,
           certain=False),
    Change(2, "GraSP scores with a temperature and a batch of every class", _prunes_by_grasp),
    Change(3, "saliencies of channels count weights within a channel once, as in recurrent kernels",
           _sums_over_channels, certain=False),
    Change(3, "channels can also be pruned through group normalization, TimeDistributed, position "
           "embeddings and more operations, and stay where a reader can't have a mask",
           _prunes_channels_of_new_layers, certain=False),
    Change(4, "on torch, Adam, convolutions, LSTM and GRU round differently", _trains_on_torch,
           certain=False),
    Change(5, "at the rewind point, the learning-rate schedule and the target network of a DQN are "
           "at the dense network's step", _skips_steps),
    Change(5, "fine-tuning keeps the learning rate of the last step", _fine_tunes_beyond),
    Change(6, "PPO bootstraps from the frame after a rollout", _plays_ppo),
    Change(6, "arms play as many games after the rewind point as the dense network",
           _counts_games),
    Change(6, "batch statistics of averaged networks are those of images of all classes",
           _averages_networks),
    Change(6, "levels are compared on held-out images of all classes", _evaluates_some_examples),
)  # fmt: skip
"""All fixes that changed results under an unchanged hash, oldest first.

Runs whose config.json names no version have version 0.
"""

RESULTS_VERSION = max(change.version for change in CHANGES)


def checked_version(recorded: Mapping[str, Any], earlier: Config, folder: Path) -> int:
    """Returns the results version of a resumed run, for its old and new results.

    Arms that are new to the run have no earlier results to differ from.

    Args:
        recorded: contents of config.json.
        earlier: united config of all earlier calls.
        folder: the run folder.

    Raises:
        LotteryError: this version would give different results, or the run was written by a newer
            version.
    """
    version: int = recorded.get(RESULTS_VERSION_KEY, 0)
    if version > RESULTS_VERSION:
        raise LotteryError(
            f"Expected a run folder with results of version {RESULTS_VERSION} or before. "
            f"Received: {folder}, of version {version}, from a newer keras-lottery. Upgrade it."
        )
    changes = [c for c in CHANGES if c.version > version and c.concerns(earlier)]
    for change in changes:
        if change.certain:
            raise LotteryError(
                f"Expected a run folder whose results are those of this version. Received: "
                f"{folder}, started before a fix: {change.summary}. Start a new folder with "
                "another --out, or resume it with the version that started it; `report` still "
                "reads it."
            )
        warnings.warn(
            f"{folder.name} was started before a fix: {change.summary}. If that affects your "
            "files, code or network, start a new folder with another --out.",
            stacklevel=2,
        )
    return RESULTS_VERSION  # what is trained from now on is of this version
