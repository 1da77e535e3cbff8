"""What arms may read of a run: tickets, trained weights and the rewind point, from its files."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_lottery import pruning
from keras_lottery.arms import arms
from keras_lottery.config import Config
from keras_lottery.engine.plan import trainings
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_results
from keras_lottery.run_paths import RunPaths
from keras_lottery.tickets import Ticket, load_state
from keras_lottery.types import SKIPPED, MaskSet, Start, State, Task, Training, Weights

_STEPS = ("step", "learning_rate_step", "data_order_step", "seed")


class Pruner:
    """The part of a `RunView` that prunes, wherever the run keeps its outcomes."""

    config: Config
    task: Task

    def prune(
        self,
        training: Training,
        weights: Weights,
        masks: MaskSet,
        criterion: str = "",
        keep: int | None = None,
    ) -> MaskSet:
        """Prunes once more; from no masks, an arm without a chain goes straight to the round."""
        ours, task = self.config.prune, self.task
        settings = replace(ours, criterion=criterion or ours.criterion)
        extra: dict[str, Any] = {"seed": training.seed}
        if "initial" in pruning.criteria[settings.criterion].needs:
            extra["initial"] = task.start_weights(training.seed)
        extra["derive"] = lambda name, now: task.derived(name, weights, now, training.seed)
        infos = task.variables()
        if keep is not None:
            return pruning.prune_to_count(weights, masks, infos, settings, keep, **extra)
        one_by_one = bool(masks) or arms[training.arm].own_chain
        prune = pruning.prune_round if one_by_one else pruning.prune_to_round
        return prune(weights, masks, infos, settings, training.round, **extra)


class RunFiles(Pruner):
    """The `RunView` over a run folder."""

    def __init__(self, config: Config, paths: RunPaths, task: Task) -> None:
        self.config = config
        self.task = task
        self._paths = paths

    def ticket(self, training: Training) -> Start:
        return start_of(Ticket.load(self._paths.ticket(training)))

    def source_ticket(self, training: Training) -> Start:
        return start_of(Ticket.load(source_file(self.config, training)))

    def trained(self, training: Training) -> Weights:
        return load_state(self._paths.trained(training))

    def rewind_state(self, seed: int) -> State:
        return load_state(self._paths.rewind(seed))


def source_file(config: Config, training: Training) -> Path:
    """Returns the file of the ticket that `training` takes from its source.

    Raises:
        LotteryError: the source has no such ticket.
    """
    paths = RunPaths(Path(config.transfer.sources[training.source]))
    file = paths.ticket(replace(training, source="", arm="winning", draw=0))
    if not file.exists():
        raise LotteryError(
            f"Expected the winning ticket of seed {training.seed}, round {training.round} in the "
            f"source {training.source!r}. Received: {paths.root}, which has none. Run that "
            "experiment with these seeds and rounds first."
        )
    return file


def lost_sources(config: Config) -> list[Training]:
    """Returns the trainings whose ticket was skipped in their source."""
    found = []
    for name, folder in config.transfer.sources.items():
        file = RunPaths(Path(folder)).results
        rows = read_results(file) if file.exists() else []
        lost = {(row.seed, row.round) for row in rows
                if row.arm == "winning" and not row.source and row.status == SKIPPED}  # fmt: skip
        plan = (t for t in trainings(config) if t.source == name and t.arm == "winning")
        found += [training for training in plan if (training.seed, training.round) in lost]
    return found


def ticket_of(start: Start, provenance: Mapping[str, Any]) -> Ticket:
    """Returns the ticket of a start; its steps and seed go into the provenance."""
    how: dict[str, Any] = {name: getattr(start, name) for name in _STEPS}
    how["parametrization"] = start.parametrization
    return Ticket(start.masks, start.weights, start.fills, dict(provenance) | how)


def start_of(ticket: Ticket) -> Start:
    """Returns the start that a ticket was made from, without optimizer state."""
    start = Start(ticket.start, ticket.masks, ticket.fills)
    how: dict[str, Any] = {name: int(ticket.provenance[name]) for name in _STEPS}
    how["parametrization"] = str(ticket.provenance.get("parametrization", "zero"))
    return replace(start, **how)
