"""The page of neurons at equilibrium: accuracy, operations and time beside full training."""

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
from keras_lottery.report.pages import StudyPage
from keras_lottery.report.results import read_config
from keras_lottery.report.statistics import t_interval
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

_ACCURACY = Unit("accuracy", 100.0, " %", " points", 2)


def content(run: Path) -> Content:
    """Returns the page of the run in the folder `run`.

    Raises:
        LotteryError: the folder is no run folder, or no training is finished.
    """
    record = read_config(RunPaths(run))
    config = record.pop("config")
    title = f"{config['name']}: neurons at equilibrium"
    trained = read_rows(run / TRAININGS, TrainingRow) if (run / TRAININGS).exists() else []
    rows = [row for row in trained if np.isfinite(row.loss)]
    lost = _diverged([row for row in trained if not np.isfinite(row.loss)])
    if lost and not rows:
        return nothing_finished(title, lost, config, record)
    if not rows:
        raise LotteryError(
            f"Expected at least one finished training in {run / TRAININGS}. Received: none. "
            "Go on with `keras-lottery run` and the same config."
        )
    arms = [arm for arm in ARMS if any(row.arm == arm for row in rows)]
    there = {(row.seed, row.arm) for row in rows}
    epochs = [r for r in read_rows(run / EPOCHS, EpochRow) if (r.seed, r.arm) in there]
    page = Content(title, [*sentences(rows), *lost])
    page.add(Heading(page.title, 1), Bullets(page.headline, strong=True))
    page.show(draw_epochs(epochs, arms), "")
    page.add(Heading("Numbers"), arm_table(rows, arms), difference_table(rows))
    page.add(Details("Every training", [_training_table(rows)]))
    counts = read_rows(run / COUNTS, CountRow) if (run / COUNTS).exists() else []
    counts = [row for row in counts if (row.seed, "equilibrium") in there]
    if counts:
        page.add(Heading("By layer"), layer_table(counts))
    add_settings(page, config, record)
    return page


def _diverged(rows: Sequence[TrainingRow]) -> list[str]:
    names = "; ".join(f"seed {row.seed} `{row.arm}`" for row in rows)
    return [f"Diverged: {names}. Means and intervals leave them out."] if rows else []


def sentences(rows: Sequence[TrainingRow]) -> list[str]:
    """Returns what the page is about, computed from the table."""
    said = []
    full, frozen = (_of(rows, arm) for arm in ("full", "equilibrium"))
    if full and frozen:
        mean, sd = _mean(full), _sd(full)
        gap = abs(_mean(frozen) - mean)
        text = (
            f"With neurons at equilibrium frozen the accuracy is "
            f"{_ACCURACY.spread(_mean(frozen), _sd(frozen))} %, in full training "
            f"{_ACCURACY.spread(mean, sd)} % (n = {len(frozen)})"
        )
        if np.isfinite(sd):
            text += ": within" if gap <= sd else ": not within"
            text += " one standard deviation of full training"
        said.append(f"{text}.")
    if frozen:
        saved = np.mean([1 - row.backprop_flops / row.full_flops for row in frozen])
        text = f"Freezing leaves out {percent(float(saved))} of the operations of backpropagation"
        if full:
            taken = [float(np.mean([r.epoch_seconds for r in rows])) for rows in (frozen, full)]
            ratio = taken[0] / taken[1]
            text += f"; dense kernels do them all the same: an epoch takes {number(ratio, 2)} ×"
            text += " the time of full training"
        said.append(f"{text}.")
    for control in ("random", "full"):
        found = _difference(rows, control)
        if found is not None:
            said.append(_difference_text(control, found))
    return said


def _difference_text(control: str, values: np.ndarray) -> str:
    low, high = t_interval(values)
    text = f"equilibrium − {control}: {_ACCURACY.difference(float(values.mean()))} points"
    if np.isfinite(low):
        text += f" [{_ACCURACY.difference(low)}, {_ACCURACY.difference(high)}]"
        text += " (no difference seen)" if low <= 0 <= high else ""
    return f"{text}, n = {len(values)} seeds."


def arm_table(rows: Sequence[TrainingRow], arms: Sequence[str]) -> Table:
    """Returns accuracy, operations and time of every arm."""
    cells = []
    for arm in arms:
        found = _of(rows, arm)
        flops = float(np.mean([row.backprop_flops for row in found]))
        full = float(np.mean([row.full_flops for row in found]))
        cells.append([
            arm, _ACCURACY.spread(_mean(found), _sd(found)), count(flops), percent(flops / full),
            number(1e3 * float(np.mean([row.epoch_seconds for row in found])), 1),
            number(float(np.mean([row.seconds for row in found])), 1),
            number(float(np.mean([row.choosing_seconds for row in found])), 1), str(len(found)),
        ])  # fmt: skip
    header = ["arm", "accuracy [%]", "FLOPs of backpropagation", "of full", "ms an epoch",
              "s of all steps", "s of choosing", "seeds"]  # fmt: skip
    note = (
        "Accuracy on the test set at the end, mean ± standard deviation between seeds. FLOPs: one "
        "example, mean over epochs: twice the forward pass, less the weight gradients of frozen "
        "neurons. Times are measured: the median epoch leaves out compiling, which all steps hold; "
        "choosing is the comparison of outputs."
    )
    return Table("Accuracy, operations and time", header, cells, note)


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
    """Returns the mean fraction frozen of each layer, over quarters of the training."""
    last = max(row.epoch for row in counts)
    parts = [(q * last // 4, (q + 1) * last // 4) for q in range(4)]
    cells = []
    for layer in dict.fromkeys(row.layer for row in counts):
        own = [row for row in counts if row.layer == layer]
        inside = [[r.frozen / r.neurons for r in own if a < r.epoch <= b] for a, b in parts]
        shares = [percent(float(np.mean(v))) if v else "–" for v in inside]
        cells.append([layer, count(own[0].neurons), *shares])
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
    one = {row.seed: row.accuracy for row in _of(rows, "equilibrium")}
    other = {row.seed: row.accuracy for row in _of(rows, control)}
    values = [one[seed] - other[seed] for seed in sorted(one.keys() & other.keys())]
    return np.array(values) if values else None


def measurements(run: Path, claim: Claim) -> list[Measurement]:
    """Reads a training per arm, as round 0."""
    rows = read_rows(run / TRAININGS, TrainingRow) if (run / TRAININGS).exists() else []
    return [Measurement(row.arm, 0, 1.0, row.seed, row.accuracy) for row in rows]


PAGE = StudyPage(content, measurements)
