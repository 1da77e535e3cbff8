"""The union of the configs of all calls of one experiment."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from keras_lottery.arms import needed
from keras_lottery.config import Config
from keras_lottery.records import ResultRow

T = TypeVar("T")


def united(earlier: Config, config: Config) -> Config:
    """Returns `config` with the seeds, rounds, arms, draws and sources of `earlier` added."""
    return replace(
        config,
        seeds=_joined(config.seeds, earlier.seeds),
        arms=_joined(config.arms, earlier.arms),
        keep_trained=_joined(config.keep_trained, earlier.keep_trained),
        draws=max(config.draws, earlier.draws),
        threads=earlier.threads,
        prune=replace(
            config.prune,
            rounds=max(config.prune.rounds, earlier.prune.rounds),
            arm_rounds=_arm_rounds(earlier, config),
        ),
        transfer=replace(
            config.transfer,
            sources=earlier.transfer.sources | config.transfer.sources,
            arms=_joined(config.transfer.arms, earlier.transfer.arms),
        ),
    )


def with_rows(config: Config, rows: Sequence[ResultRow]) -> Config:
    """Returns the config with the seeds, rounds, arms and draws of finished trainings added."""
    untransferred = [row for row in rows if not row.source]
    last = max((row.round for row in rows), default=0)
    beyond = {row.arm for row in untransferred if row.round > config.prune.rounds}
    arm_rounds = {arm: r for arm, r in config.prune.arm_rounds.items() if arm not in beyond}
    return replace(
        config,
        seeds=_joined(config.seeds, (row.seed for row in rows)),
        arms=_joined(config.arms, (row.arm for row in untransferred if row.round)),
        draws=max([config.draws, *(row.draw + 1 for row in rows)]),
        prune=replace(config.prune, rounds=max(config.prune.rounds, last), arm_rounds=arm_rounds),
    )


def _joined(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys([*first, *second]))


def _arm_rounds(earlier: Config, config: Config) -> dict[str, tuple[int, ...]]:
    """Returns the rounds of the arms that every call limits to some rounds."""
    limits: dict[str, tuple[int, ...]] = {}
    for arm in {**earlier.prune.arm_rounds, **config.prune.arm_rounds}:
        trained = [c for c in (earlier, config) if arm in _trained(c)]
        if all(arm in c.prune.arm_rounds for c in trained):
            rounds = [c.prune.arm_rounds.get(arm, ()) for c in trained or (earlier, config)]
            limits[arm] = tuple(sorted({number for named in rounds for number in named}))
    return limits


def _trained(config: Config) -> set[str]:
    return {name for arm in config.arms for name in (arm, *needed(arm))}
