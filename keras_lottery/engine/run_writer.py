"""Writes a finished training: its files first, the row in results.csv last."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_lottery import pruning
from keras_lottery.arms import arms, starts
from keras_lottery.arms.check_rows import check_rows
from keras_lottery.config import Config, thaw
from keras_lottery.engine.executors.train_one import nothing
from keras_lottery.engine.graph import descendants
from keras_lottery.engine.provenance import REWIND, TICKET, TRAINED, provenance
from keras_lottery.engine.run_reader import lost_sources, to_ticket
from keras_lottery.protocols import Task
from keras_lottery.records import (
    Records,
    ResultRow,
    layer_rows,
    load_config,
    read_results,
)
from keras_lottery.records.run_paths import SAMPLES, Place, RunPaths
from keras_lottery.tickets import save_state
from keras_lottery.types import FINISHED, SKIPPED, MaskSet, Start, State, Training, TrainingResult


class RunWriter:
    """Adds results to a run folder, and knows which ones it has.

    The process may be killed at any moment: a training without a row is trained again.
    """

    def __init__(self, config: Config, paths: RunPaths, task: Task) -> None:
        self._config = config
        self._paths = paths
        self._task = task
        self._place = Place(paths.root)
        is_known = paths.config.exists()
        known, record = load_config(paths) if is_known else (config, {"config": thaw(config)})
        self._keep_trained = known.keep_trained  # by all calls
        if paths.results.exists():
            check_rows(paths.results, read_results(paths.results), record)
        self._records = Records(paths)
        self._infos = task.variables()

    def done(self) -> set[Training]:
        """Returns the trainings that are finished, diverged or skipped."""
        return self._records.done()

    def is_finished(self, training: Training) -> bool:
        """Returns True if a training ended without diverging."""
        return any(row.training == training and row.finished for row in self._records.results)

    def write(self, training: Training, start: Start, result: TrainingResult) -> None:
        """Writes the files of a training, then its row.

        A diverged training gets a ticket, history and row, but no weights.

        Raises:
            LotteryError: the run folder was moved or removed, or cannot be written to.
        """
        self._place.check(self._paths.ticket(training))
        masks = pruning.complete_masks(result.masks or start.masks, self._infos)
        if result.masks:  # learned masks, stored with the weights that they were learned on
            start = replace(start, masks=result.masks, parametrization="zero")
        if start.weights:
            origin = {"metric": self._task.metric, **provenance(self._config, training, TICKET)}
            to_ticket(start, origin).save(self._paths.ticket(training))
        if result.status == FINISHED:
            self._save_states(training, result)
        self._records.write_history(training, result.history)
        self._records.write_layers(training, layer_rows(masks, self._infos))
        for name, rows in start.tables.items():
            self._records.write_extra(training, name, rows)
        if result.samples:
            self._records.write_extra(training, SAMPLES, result.samples)
        self._records.append(self._row(training, result, masks), result.metrics)
        self._forget(training)

    def skip(self) -> int:
        """Writes rows for trainings that cannot start; returns how many are new.

        They descend from a diverged training, here or in a transfer's source.
        """
        lost = {row.training for row in self._records.results if not row.finished}
        sources = lost_sources(self._config)
        skipped = [*sources, *descendants(self._config, lost.union(sources))]
        new = [training for training in skipped if training not in self._records.done()]
        for training in new:
            masks = pruning.complete_masks({}, self._infos)
            self._records.append(self._row(training, nothing(SKIPPED), masks))
        return len(new)

    def _save_states(self, training: Training, result: TrainingResult) -> None:
        if self._is_needed(training):
            self._save(self._paths.trained(training), result.weights, training, TRAINED)
        if result.rewind is not None and training.arm == "dense":
            self._save(self._paths.rewind(training.seed), result.rewind, training, REWIND)

    def _save(self, file: Path, arrays: State, training: Training, kind: str) -> None:
        save_state(file, arrays, {"provenance": provenance(self._config, training, kind)})

    def _is_needed(self, training: Training) -> bool:
        """Returns True if the next round prunes these weights, or the config keeps them."""
        if training.source:
            return False
        return arms[training.arm].iterative or training.arm in self._keep_trained

    def _forget(self, training: Training) -> None:
        """Removes trained weights that only this training needed."""
        if not arms[training.arm].iterative or not training.round or training.source:
            return
        before = starts.previous(training)
        if before.arm not in ("dense", *self._keep_trained):
            self._paths.trained(before).unlink(missing_ok=True)

    def _row(self, training: Training, result: TrainingResult, masks: MaskSet) -> ResultRow:
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
            steps=result.steps,
            seconds=result.seconds,
            compile_seconds=result.compile_seconds,
            metric=self._task.metric,
            value=result.best_value if best else result.final_value,
            final_value=result.final_value,
            best_value=result.best_value,
            best_step=result.best_step,
            status=result.status,
        )
