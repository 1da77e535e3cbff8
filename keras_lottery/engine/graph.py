"""The dependency graph of an experiment's trainings, and which of them are ready."""

from collections import Counter
from collections.abc import Collection, Sequence
from functools import cache
from graphlib import TopologicalSorter

from keras_lottery.arms import arms, needed, rounds_of
from keras_lottery.config import Config
from keras_lottery.errors import LotteryError
from keras_lottery.types import Training


def trainings(config: Config) -> list[Training]:
    """Returns all trainings of the experiment, seed by seed.

    Raises:
        LotteryError: a training depends on one that `prune.arm_rounds` leaves out, or
            `prune.arm_rounds` names an unknown arm.
    """
    plan, names = [], _in_order(config.arms)
    rounds, arm_rounds = config.prune.rounds, config.prune.arm_rounds
    for name in arm_rounds:
        arms.check(name)  # need not be trained, since presets name more arms
    for seed in config.seeds:
        plan.append(Training("", config.task, seed, 0, "dense"))
        for number in range(1, rounds + 1):
            for arm in names:
                if number not in rounds_of(arm, rounds, arm_rounds.get(arm, ())):
                    continue
                draws = config.draws if arms[arm].stochastic else 1
                plan += [Training("", config.task, seed, number, arm, d) for d in range(draws)]
        plan += _transferred(config, seed)
    if arm_rounds:
        _check_parents(plan)
    return plan


def _check_parents(plan: Sequence[Training]) -> None:
    known = set(plan)
    for training in plan:
        for parent in arms[training.arm].parents(training):
            if parent not in known:
                raise LotteryError(
                    f"Expected prune.arm_rounds to keep the trainings that other arms need. "
                    f"Received: no {parent.arm!r} in round {parent.round}, which {training.arm!r} "
                    "needs. Add that round, or leave the arm out of prune.arm_rounds."
                )


def _transferred(config: Config, seed: int) -> list[Training]:
    """Returns the trainings of transferred tickets; controls come after the ticket."""
    names = ["winning", *(a for a in config.transfer.arms if a != "winning")]
    return [
        Training(source, config.task, seed, number, arm, draw)
        for source in config.transfer.sources
        for number in range(1, config.prune.rounds + 1)
        for arm in names
        for draw in range(config.draws if arms[arm].stochastic else 1)
    ]


def descendants(config: Config, lost: Collection[Training]) -> list[Training]:
    """Returns the trainings that cannot start because one that they depend on is lost."""

    @cache
    def descends(training: Training) -> bool:
        parents = arms[training.arm].parents(training)
        return any(parent in lost or descends(parent) for parent in parents)

    return [training for training in trainings(config) if descends(training)]


def longest_chain_first(config: Config) -> list[Training]:
    """Returns all trainings in the order that keeps several workers busy.

    Those that the longest chain of trainings waits for come first. Controls, which nothing waits
    for, then fill the gaps; in the order of the plan they would be trained while a worker waits for
    the next ticket. Ties keep the order of the plan.
    """
    plan = trainings(config)
    parents = {training: arms[training.arm].parents(training) for training in plan}
    length: Counter[Training] = Counter()
    for training in reversed(list(TopologicalSorter(parents).static_order())):
        for parent in parents.get(training, ()):
            length[parent] = max(length[parent], length[training] + 1)
    return sorted(plan, key=lambda training: -length[training])


def ready(plan: Sequence[Training], done: Collection[Training]) -> list[Training]:
    """Returns the trainings whose parents are done and that are not done themselves."""
    return [
        training
        for training in plan
        if training not in done
        and all(parent in done for parent in arms[training.arm].parents(training))
    ]


def _in_order(names: Collection[str]) -> list[str]:
    """Returns iterative arms first, `winning` before all others.

    An arm that another one needs is trained even if the config leaves it out.
    """
    wanted = list(dict.fromkeys(name for arm in names for name in (*needed(arm), arm)))
    chains = sorted(
        (name for name in wanted if arms[name].iterative), key=lambda name: name != "winning"
    )
    followers = [name for name in wanted if not arms[name].iterative]
    return [name for name in (*chains, *followers) if name != "dense"]
