"""The page of neurons at equilibrium: accuracy, FLOPs and time compared with full training."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_lottery.config.claims import Claim
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_rows
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.content import Content, add_settings, nothing_finished
from keras_lottery.report.document import Bullets, Details, Heading, Table
from keras_lottery.report.formatting import Unit, count, number, percent
from keras_lottery.report.results import read_config
from keras_lottery.report.statistics import t_interval
from keras_lottery.report.study_page import StudyPage
from keras_lottery.report.verdicts import Measurement
from keras_lottery.studies.equilibrium.options import ARMS
from keras_lottery.studies.equilibrium.plots import draw_epochs
from keras_lottery.studies.equilibrium.rows import (
    COUNTS,
    EPOCHS,
    TRAININGS,
    CountRow,
    EpochRow,
    TrainingRow,
)
from keras_lottery.types import SKIPPED

_ACCURACY = Unit("accuracy", 100.0, " %", " points", 2)


def content(run: Path) -> Content:
    """Returns the page of the run in the folder `run`.

    Raises:
        LotteryError: the folder is not a run folder, or no training is finished.
    """
    record = read_config(RunPaths(run))
    config = record.pop("config")
    title = f"{config['name']}: neurons at equilibrium"
    trained = read_rows(run / TRAININGS, TrainingRow) if (run / TRAININGS).exists() else []
    rows = [row for row in trained if row.finished]
    lost = _diverged([row for row in trained if not row.finished])
    if lost and not rows:
        return nothing_finished(title, lost, config, record)
    if not rows:
        raise LotteryError(
            f"Expected at least one finished training in {run / TRAININGS}. Received: none. "
            "Continue with `keras-lottery run` and the same config."
        )
    arms = [arm for arm in ARMS if any(row.arm == arm for row in rows)]
    finished = {(row.seed, row.arm) for row in rows}
    epochs = [r for r in read_rows(run / EPOCHS, EpochRow) if (r.seed, r.arm) in finished]
    page = Content(title, [*sentences(rows), *lost])
    page.add(Heading(page.title, 1), Bullets(page.headline, strong=True))
    page.show(draw_epochs(epochs, arms), "")
    page.add(Heading("Numbers"), arm_table(rows, arms), difference_table(rows))
    page.add(Details("Every training", [_training_table(rows)]))
    counts = read_rows(run / COUNTS, CountRow) if (run / COUNTS).exists() else []
    counts = [row for row in counts if (row.seed, "equilibrium") in finished]
    if counts:
        page.add(Heading("By layer"), layer_table(counts))
    add_settings(page, config, record)
    return page


def _diverged(rows: Sequence[TrainingRow]) -> list[str]:
    names = "; ".join(
        f"seed {row.seed} `{row.arm}`" + (" (skipped)" if row.status == SKIPPED else "")
        for row in rows
    )
    return [f"Diverged: {names}. Means and intervals leave them out."] if rows else []


def sentences(rows: Sequence[TrainingRow]) -> list[str]:
    """Returns the headline sentences, computed from the table."""
    headline = []
    full, frozen = (_of(rows, arm) for arm in ("full", "equilibrium"))
    if full and frozen:
        mean, sd = _mean(full), _sd(full)
        gap = abs(_mean(frozen) - mean)
        text = (
            f"Freezing neurons at equilibrium reaches an accuracy of "
            f"{_ACCURACY.spread(_mean(frozen), _sd(frozen))} %, against "
            f"{_ACCURACY.spread(mean, sd)} % with all neurons training (n = {len(frozen)})"
        )
        if np.isfinite(sd):
            text += "; the gap is within" if gap <= sd else "; the gap exceeds"
            text += " one standard deviation of full training"
        headline.append(f"{text}.")
    if frozen:
        saved = np.mean([1 - row.backprop_flops / row.full_flops for row in frozen])
        headline.append(
            f"Freezing saves {percent(float(saved))} of the FLOPs of backpropagation; dense "
            "kernels compute them anyway."
        )
    for control in ("random", "full"):
        differences = _difference(rows, control)
        if differences is not None:
            headline.append(_difference_text(control, differences))
    return headline


def _difference_text(control: str, values: np.ndarray) -> str:
    low, high = t_interval(values)
    text = f"equilibrium − {control}: {_ACCURACY.difference(float(values.mean()))} points"
    if np.isfinite(low):
        text += f" [{_ACCURACY.difference(low)}, {_ACCURACY.difference(high)}]"
        text += " (interval contains 0)" if low <= 0 <= high else ""
    return f"{text}, n = {len(values)} seeds."


def arm_table(rows: Sequence[TrainingRow], arms: Sequence[str]) -> Table:
    """Returns accuracy, FLOPs and time of every arm."""
    cells = []
    for arm in arms:
        of_arm = _of(rows, arm)
        flops = float(np.mean([row.backprop_flops for row in of_arm]))
        full = float(np.mean([row.full_flops for row in of_arm]))
        cells.append([
            arm, _ACCURACY.spread(_mean(of_arm), _sd(of_arm)), count(flops), percent(flops / full),
            number(1e3 * float(np.mean([row.epoch_seconds for row in of_arm])), 1),
            number(float(np.mean([row.seconds for row in of_arm])), 1),
            number(float(np.mean([row.choosing_seconds for row in of_arm])), 1), str(len(of_arm)),
        ])  # fmt: skip
    header = ["arm", "accuracy [%]", "FLOPs of backpropagation", "of full", "ms per epoch",
              "s of all steps", "s of choosing", "seeds"]  # fmt: skip
    note = (
        "Accuracy on the test set at the end, mean ± standard deviation between seeds. FLOPs: one "
        "example, mean over epochs: twice the forward pass minus the weight gradients of frozen "
        "neurons. Times are measured: the median epoch excludes compilation, all steps include it; "
        "choosing is the comparison of outputs."
    )
    return Table("Accuracy, FLOPs and time", header, cells, note)


def difference_table(rows: Sequence[TrainingRow]) -> Table | None:
    """Returns the paired differences of `equilibrium` from the other arms."""
    cells = []
    for control in ("random", "full"):
        values = _difference(rows, control)
        if values is None:
            continue
        low, high = t_interval(values)
        ends = f"{_ACCURACY.difference(low)} to {_ACCURACY.difference(high)}"
        mean = _ACCURACY.difference(float(values.mean()))
        cells.append([f"equilibrium − {control}", mean, ends if np.isfinite(low) else "–",
                      str(len(values))])  # fmt: skip
    header = ["difference", "mean [points]", "95 % t interval", "seeds"]
    return Table("Paired differences", header, cells, "Pairs share a seed.") if cells else None


def layer_table(counts: Sequence[CountRow]) -> Table:
    """Returns the mean fraction frozen of each layer, in each quarter of the training."""
    last = max(row.epoch for row in counts)
    parts = [(q * last // 4, (q + 1) * last // 4) for q in range(4)]
    cells = []
    for layer in dict.fromkeys(row.layer for row in counts):
        of_layer = [row for row in counts if row.layer == layer]
        by_part = [[r.frozen / r.neurons for r in of_layer if a < r.epoch <= b] for a, b in parts]
        shares = [percent(float(np.mean(v))) if v else "–" for v in by_part]
        cells.append([layer, count(of_layer[0].neurons), *shares])
    header = ["layer", "neurons", *(f"epochs {a + 1} to {b}" for a, b in parts)]
    return Table("", header, cells, "Mean fraction frozen by `equilibrium`, over seeds.")


def _training_table(rows: Sequence[TrainingRow]) -> Table:
    cells = [
        [row.arm, str(row.seed), _ACCURACY.bare(row.accuracy), number(row.loss, 4),
         percent(row.backprop_flops / row.full_flops), number(row.seconds, 1)]
        for row in sorted(rows, key=lambda row: (ARMS.index(row.arm), row.seed))
    ]  # fmt: skip
    header = ["arm", "seed", "accuracy [%]", "test loss", "backpropagation of full", "seconds"]
    return Table("", header, cells)


def _of(rows: Sequence[TrainingRow], arm: str) -> list[TrainingRow]:
    return [row for row in rows if row.arm == arm]


def _mean(rows: Sequence[TrainingRow]) -> float:
    return float(np.mean([row.accuracy for row in rows]))


def _sd(rows: Sequence[TrainingRow]) -> float:
    values = [row.accuracy for row in rows]
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _difference(rows: Sequence[TrainingRow], control: str) -> np.ndarray | None:
    ours = {row.seed: row.accuracy for row in _of(rows, "equilibrium")}
    theirs = {row.seed: row.accuracy for row in _of(rows, control)}
    values = [ours[seed] - theirs[seed] for seed in sorted(ours.keys() & theirs.keys())]
    return np.array(values) if values else None


def measurements(run: Path, claim: Claim) -> list[Measurement]:
    """Returns one measurement per training, as round 0."""
    rows = read_rows(run / TRAININGS, TrainingRow) if (run / TRAININGS).exists() else []
    return [Measurement(row.arm, 0, 1.0, row.seed, row.accuracy) for row in rows if row.finished]


PAGE = StudyPage(content, measurements)
