"""Writes a finished training: its files first, the row in results.csv last."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_lottery import pruning
from keras_lottery.arms import arms, chain
from keras_lottery.arms.belonging import check_rows
from keras_lottery.config import Config, thaw
from keras_lottery.engine.graph import descendants
from keras_lottery.engine.provenance import REWIND, TICKET, TRAINED, provenance
from keras_lottery.engine.run_reader import lost_sources, to_ticket
from keras_lottery.records import Records, ResultRow, layer_rows, read_recorded, read_results
from keras_lottery.run_paths import SAMPLES, Place, RunPaths
from keras_lottery.tickets import save_state
from keras_lottery.types import (
    FINISHED,
    SKIPPED,
    MaskSet,
    Outcome,
    Start,
    State,
    Task,
    Training,
)


class RunWriter:
    """Adds results to a run folder, and knows which it holds.

    A process may be killed at any moment: a training without its row is trained again.
    """

    def __init__(self, config: Config, paths: RunPaths, task: Task) -> None:
        self._config = config
        self._paths = paths
        self._task = task
        self._place = Place(paths.root)
        if paths.results.exists():
            record = read_recorded(paths) if paths.config.exists() else {"config": thaw(config)}
            check_rows(paths.results, read_results(paths.results), record)
        self._records = Records(paths)
        self._infos = task.variables()

    def done(self) -> set[Training]:
        """Returns the trainings that are finished, diverged or skipped."""
        return self._records.done()

    def is_finished(self, training: Training) -> bool:
        """Returns True where a training ended with a network."""
        return any(row.training == training and row.finished for row in self._records.results)

    def write(self, outcome: Outcome) -> None:
        """Writes the outcome's files, then its row.

        A training that diverged leaves its ticket, history and row, and no weights.

        Raises:
            LotteryError: the run folder was moved or removed, or cannot be written to.
        """
        training, start = outcome.training, outcome.start
        self._place.check(self._paths.ticket(training))
        masks = pruning.complete_masks(outcome.masks or start.masks, self._infos)
        if outcome.masks:  # what was learned, over the weights that it was learned on
            start = replace(start, masks=outcome.masks, parametrization="zero")
        if start.weights:
            made = {"metric": self._task.metric, **provenance(self._config, training, TICKET)}
            to_ticket(start, made).save(self._paths.ticket(training))
        if outcome.status == FINISHED:
            self._save_states(outcome)
        self._records.write_history(training, outcome.history)
        self._records.write_layers(training, layer_rows(masks))
        for name, rows in start.tables.items():
            self._records.write_found(training, name, rows)
        if outcome.samples:
            self._records.write_found(training, SAMPLES, outcome.samples)
        self._records.append(self._row(outcome, masks), outcome.metrics)
        self._forget(training)

    def skip(self) -> int:
        """Writes the rows of trainings that cannot start; returns how many are new.

        They descend from a training that diverged, here or in a transfer's source.
        """
        lost = {row.training for row in self._records.results if not row.finished}
        sources = lost_sources(self._config)
        skipped = [*sources, *descendants(self._config, lost.union(sources))]
        new = [training for training in skipped if training not in self._records.done()]
        for training in new:
            nan = float("nan")
            outcome = Outcome(training, Start({}), {}, None, 0, 0.0, 0.0, nan, nan, 0)
            masks = pruning.complete_masks({}, self._infos)
            self._records.append(self._row(replace(outcome, status=SKIPPED), masks))
        return len(new)

    def _save_states(self, outcome: Outcome) -> None:
        if self._is_needed(outcome.training):
            file = self._paths.trained(outcome.training)
            self._save(file, outcome.weights, outcome.training, TRAINED)
        if outcome.rewind is not None and outcome.training.arm == "dense":
            file = self._paths.rewind(outcome.training.seed)
            self._save(file, outcome.rewind, outcome.training, REWIND)

    def _save(self, file: Path, arrays: State, training: Training, kind: str) -> None:
        save_state(file, arrays, {"provenance": provenance(self._config, training, kind)})

    def _is_needed(self, training: Training) -> bool:
        """The next round of a chain prunes these weights."""
        if training.source:
            return False
        return arms[training.arm].own_chain or training.arm in self._config.keep_trained

    def _forget(self, training: Training) -> None:
        """Removes trained weights that only this training was waiting for."""
        if not arms[training.arm].own_chain or not training.round or training.source:
            return
        before = chain.previous(training)
        if before.arm not in ("dense", *self._config.keep_trained):
            self._paths.trained(before).unlink(missing_ok=True)

    def _row(self, outcome: Outcome, masks: MaskSet) -> ResultRow:
        training = outcome.training
        kept = sum(int(m.sum()) for m in masks.values())
        prunable = sum(m.size for m in masks.values())
        best = self._config.train.value == "best"
        key: dict[str, Any] = {k: getattr(training, k) for k in training.__dataclass_fields__}
        return ResultRow(
            **key,
            sparsity=1 - kept / prunable,
            kept=kept,
            prunable=prunable,
            total=sum(info.size for info in self._infos),
            flops=self._task.flops(masks),
            steps=outcome.steps,
            seconds=outcome.seconds,
            compile_seconds=outcome.compile_seconds,
            metric=self._task.metric,
            value=outcome.best_value if best else outcome.final_value,
            final_value=outcome.final_value,
            best_value=outcome.best_value,
            best_step=outcome.best_step,
            status=outcome.status,
        )
