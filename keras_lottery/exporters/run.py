"""Exports the trained network of one training of a run."""

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from keras_lottery import checks
from keras_lottery.arms.check_rows import check_rows
from keras_lottery.backend.global_state import preserved
from keras_lottery.config import Config, study_schemas
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.errors import LotteryError, MissingExtraError, unknown_name
from keras_lottery.exporters.export_model import export
from keras_lottery.exporters.report import ExportReport
from keras_lottery.exporters.target import check_target
from keras_lottery.records import ResultRow, load_config, read_results, sparsest_match
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tasks import make_task
from keras_lottery.types import Training

_DENSE, _WINNING = "dense", "winning"


@preserved()
def export_run(
    run: str | Path,
    out: str | Path,
    format: str = "saved_model",
    *,
    seed: int | None = None,
    round: int | None = None,
    arm: str = _WINNING,
    draw: int = 0,
    compact: bool = False,
    quantize: str | None = None,
    dense: bool = True,
) -> ExportReport:
    """Exports trained weights of a run folder, with the masks folded in, and verifies them.

    Args:
        run: the run folder.
        out: a new folder or file, depending on the format.
        format: name of a registered format.
        seed: the seed; None: the first one with weights.
        round: the round, 0 for the dense network; None: the sparsest whose mean is at most one
            standard deviation worse than dense; if none is, or with one seed, the best mean.
        arm: the arm.
        draw: the draw of a stochastic control.
        compact: remove dead units and channels. This and the rest: see `kl.export`.
        quantize: `int8`: quantize the weights.
        dense: also write and measure the dense network, then delete it.

    Raises:
        LotteryError: it is not a run folder, or lacks these trained weights; the error lists those
            that it has.
    """
    paths, out = RunPaths(checks.file_path(run, "run")), checks.file_path(out, "out")
    check_target(format, out, quantize)
    config, recorded = load_config(paths)
    all_rows = read_results(paths.results)
    check_rows(paths.results, all_rows, recorded)
    rows = [row for row in all_rows if not row.source and row.finished]
    shipped = [row for row in rows if paths.trained(row.training).exists()]
    if not shipped:
        raise LotteryError(
            f"Expected a run with trained weights. Received: {paths.root}, which keeps none. "
            "Add the arm to keep_trained and run it again."
        )
    if round == 0 and arm not in (_DENSE, _WINNING):
        raise LotteryError(
            f"Expected the dense network, the only one of round 0. Received: the arm {arm!r}. Name "
            "a later round, or leave the arm out."
        )
    arm = _DENSE if round == 0 else arm
    if arm not in {row.arm for row in shipped}:
        raise unknown_name("arm with trained weights", arm, {row.arm for row in shipped})
    reason = "as asked for"
    if round is None:
        of_arm = [row for row in shipped if row.arm == arm]
        first = min(row.seed for row in of_arm) if seed is None else seed
        # A seed may have diverged at a round that others finished.
        choice = [row for row in of_arm if row.seed == first] or of_arm
        round, reason = _best_round(rows, choice, bool(recorded.get("higher_is_better", True)))
    training = _choose([row.training for row in shipped], seed, round, arm, draw)
    task = make_task(config)
    model = task.export_model(RunReader(config, paths, task).trained(training))
    prunable = {info.path for info in task.variables() if info.prunable}
    return export(
        model,
        out,
        format,
        compact=compact,
        quantize=quantize,
        assets=task.assets(),
        prunable=prunable,
        dense=dense,
        origin=_origin(rows, training, reason),
    )


def check_exportable(config: Config) -> None:
    """Checks before a run that `export_run` with its defaults will have a network to export.

    Raises:
        LotteryError: the study keeps no trained network of a winning ticket.
        MissingExtraError: TensorFlow is not installed.
    """
    if not study_schemas[config.study].exports:
        raise LotteryError(
            "Expected a study that keeps the trained networks of winning tickets for --export. "
            f"Received: {config.study!r}, which keeps tables. Leave --export out."
        )
    planned = {training.arm for training in trainings(config) if not training.source}
    if _WINNING not in planned:
        raise LotteryError(
            f"Expected trainings of the arm {_WINNING!r} for --export. Received: "
            f"{', '.join(sorted(planned))}. Add the arm, or leave --export out."
        )
    if find_spec("tensorflow") is None:
        raise MissingExtraError("tensorflow", "export")


def _origin(rows: Sequence[ResultRow], training: Training, reason: str) -> str:
    """Returns a sentence on the training that is exported, and why this one."""
    row = next(row for row in rows if row.training == training)
    draw = f", draw {row.draw}" if row.draw else ""
    return (
        f"Trained network of seed {row.seed}, round {row.round} ({row.arm}{draw}), {reason}: "
        f"{row.remaining:.2%} of the prunable weights remain, {row.metric} {row.value:.4f}."
    )


def _choose(
    trained: Sequence[Training], seed: int | None, round: int, arm: str, draw: int
) -> Training:
    """Returns the requested training, selected by seed, then round, then draw.

    Raises:
        LotteryError: it has no trained weights; the error lists the alternatives.
    """
    candidates = [t for t in trained if t.arm == arm]
    seed = min(t.seed for t in candidates) if seed is None else seed
    for name, value in {"seed": seed, "round": round, "draw": draw}.items():
        known = sorted({getattr(t, name) for t in candidates})
        candidates = [t for t in candidates if getattr(t, name) == value]
        if not candidates:
            raise LotteryError(
                f"Expected a {name} with trained weights of the arm {arm!r}: "
                f"{', '.join(map(str, known))}. Received: {value}. Choose one of them."
            )
    return candidates[0]


def _best_round(
    rows: Sequence[ResultRow], choice: Sequence[ResultRow], higher_is_better: bool
) -> tuple[int, str]:
    """Returns the sparsest round that matches dense, else the best one, and which of them it is.

    Args:
        rows: all finished trainings; rounds are judged by their means over seeds.
        choice: the rows of one arm whose rounds can be chosen.
    """
    sign = 1 if higher_is_better else -1
    dense = [row.value for row in rows if row.arm == _DENSE and not math.isnan(row.value)]
    levels = {}
    for number in {row.round for row in choice}:
        level = [row for row in rows if row.arm == choice[0].arm and row.round == number]
        mean = float(np.mean([row.value for row in level]))
        levels[number] = float(np.mean([row.remaining for row in level])), mean
    match = sparsest_match(dense, levels, higher_is_better)
    if match is not None:
        return (
            match,
            "the sparsest one kept that is at most one standard deviation worse than dense",
        )
    known = {number: mean for number, (_, mean) in levels.items() if not math.isnan(mean)}
    best = max(known or levels, key=lambda number: sign * levels[number][1])
    return best, "the round kept with the best mean"
