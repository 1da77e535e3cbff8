"""The result of a `TicketSearch`."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from keras_lottery import checks
from keras_lottery.engine.run_reader import to_ticket
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.files import write_text
from keras_lottery.masking.copying import copy_model
from keras_lottery.records import ResultRow
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.search.metric import VALIDATION
from keras_lottery.search.rows import Network, remaining_of, row_of
from keras_lottery.toolkit import Ticket
from keras_lottery.training.checkpoint import capture_optimizer, restore_start
from keras_lottery.training.optimizers import restore_schedule
from keras_lottery.types import DIVERGED, Start, Training, TrainingResult, Weights

if TYPE_CHECKING:
    from keras_lottery.figures import InlineFigure

_HIDDEN = ["source", "task", "flops", "metric", "value"]


class TicketHistory:
    """The tickets of a search, and their values.

    Values are means over the seeds; tickets and networks are those of one seed, the first by
    default.

    Attributes:
        results: results by training, in the order of completion.
        starts: starts by training.
        metric: name of the metric.
        higher_is_better: whether larger values are better; None if unknown.
        measured_on: `validation`, or `training` if the search had no validation data.
        seeds: the seeds, as given to the search.
    """

    def __init__(
        self,
        results: Mapping[Training, TrainingResult],
        starts: Mapping[Training, Start],
        metric: str,
        higher_is_better: bool | None,
        measured_on: str = VALIDATION,
        network: Network | None = None,
    ) -> None:
        self.results = dict(results)
        self.starts = dict(starts)
        self.metric = metric
        self.higher_is_better = higher_is_better
        self.measured_on = measured_on
        self.seeds = list(dict.fromkeys(training.seed for training in results))
        self._network = network

    def ticket(self, round: int, arm: str = "winning", seed: int | None = None) -> Ticket:
        """Returns the ticket of a round: masks, start weights, provenance.

        Raises:
            LotteryError: no such round, arm or seed was trained.
        """
        training = self._find(round, arm, seed)
        provenance = {
            "seed": training.seed,
            "round": training.round,
            "arm": arm,
            "metric": self.metric,
            "measured_on": self.measured_on,
            **self._compared(training),
            "value": self.results[training].final_value,
        }
        base = to_ticket(self.starts[training], provenance)
        return Ticket(base.masks, base.start, base.fills, base.provenance)

    def trained(self, round: int, arm: str = "winning", seed: int | None = None) -> Weights:
        """Returns the trained weights of a round, pruned ones at their fixed value."""
        training = self._find(round, arm, seed)
        start, weights = self.starts[training], self.results[training].weights
        fixed = {
            path: np.where(start.masks[path], weights[path], fill)
            for path, fill in start.fills.items()
        }
        return weights | fixed

    def model(self, round: int, arm: str = "winning", seed: int | None = None) -> keras.Model:
        """Returns the trained network of a round, masked and compiled.

        It can be evaluated, trained further, compacted or exported; `kl.strip` makes it a plain
        Keras model. The optimizer is reset.

        Raises:
            LotteryError: no such round, arm or seed was trained.
        """
        training = self._find(round, arm, seed)
        network = self._known_network()
        copy = copy_model(network.model)
        end = replace(self.starts[training], weights=self.results[training].weights, state=None)
        restore_schedule(copy.optimizer)
        is_like = len(copy.optimizer.variables) == len(network.optimizer)
        fresh = network.optimizer if is_like else capture_optimizer(copy.optimizer)
        restore_start(copy, end, fresh)
        return copy

    def best(
        self,
        within: float = 0.0,
        higher_is_better: bool | None = None,
        seed: int | None = None,
        arm: str = "winning",
    ) -> Ticket:
        """Returns the ticket of `best_round`: the sparsest that is no worse than dense.

        Args:
            within: tolerance, in units of the metric.
            higher_is_better: direction of a custom metric that Keras doesn't know.
            seed: seed of the ticket.
            arm: arm of the ticket.

        Raises:
            LotteryError: as in `best_round`, or no round of pruning is as good as dense.
        """
        number = self.best_round(within, higher_is_better, arm)
        if number == 0:
            raise LotteryError(
                f"Expected a round whose {self.metric} is within {within:g} of dense. Received: "
                "none. Raise within=, or search with a lower rate."
            )
        return self.ticket(number, arm, seed)

    def values(self, arm: str = "winning") -> dict[int, float]:
        """Returns the metric at the end of each round's training, with dense as round 0.

        It is NaN if a training diverged, even if its metric is finite.

        Raises:
            LotteryError: no such arm was trained.
        """
        known = {training.arm for training in self.results}
        if arm not in known:
            raise unknown_name("arm of this search", arm, known)
        values: dict[int, list[float]] = {}
        for training, result in self.results.items():
            if training.arm in (arm, "dense"):
                values.setdefault(training.round, []).append(_value(result))
        # A round is missing for seeds that diverged earlier.
        return {
            number: float(np.mean(of)) if len(of) == len(self.seeds) else math.nan
            for number, of in sorted(values.items())
        }

    def remaining(self, arm: str = "winning") -> dict[int, float]:
        """Returns the fraction of the prunable weights that each round keeps, dense as round 0.

        Raises:
            LotteryError: no such arm was trained.
        """
        _ = self.values(arm)
        kept: dict[int, list[float]] = {}
        for training, start in self.starts.items():
            if training.arm in (arm, "dense"):
                kept.setdefault(training.round, []).append(remaining_of(start))
        return {number: float(np.mean(of)) for number, of in sorted(kept.items())}

    def best_round(
        self, within: float = 0.0, higher_is_better: bool | None = None, arm: str = "winning"
    ) -> int:
        """Returns the last round whose value is no worse than dense by more than `within`.

        Args:
            within: tolerance, in units of the metric.
            higher_is_better: direction of a custom metric that Keras doesn't know.
            arm: whose values are compared.

        Raises:
            LotteryError: no such arm was trained, the metric's direction is unknown, or the dense
                network diverged.
        """
        within = checks.number(within, "within", least=0)
        higher = self.higher_is_better if higher_is_better is None else higher_is_better
        if higher is None:
            raise LotteryError(
                f"Expected a metric whose direction Keras knows. "
                f"Received: {self.metric!r}. Pass higher_is_better=True or False."
            )
        if math.isnan(self.values("dense")[0]):
            raise LotteryError(
                "Expected a dense network to compare tickets with. Received: one that diverged, "
                f"or whose {self.metric} is not a number. Lower the learning rate and search again."
            )
        values = self.values(arm)
        sign = 1 if higher else -1
        return max(r for r, v in values.items() if sign * (v - values[0]) >= -within)

    def table(self) -> Table:
        """Returns a table of rounds and arms for the terminal."""
        table = Table(title=f"tickets by {self.metric}, measured on the {self.measured_on} data")
        several = len(self.seeds) > 1
        names = ("round", "arm", "remaining", "final", "at best loss", "step")
        for column in (*["seed"] * several, *names):
            table.add_column(column, justify="right")
        for training, result in self.results.items():
            remaining = remaining_of(self.starts[training])
            seed = [str(training.seed)] if several else []
            row = (*seed, str(training.round), training.arm, f"{remaining:.1%}")
            cells = (f"{result.final_value:.4f}", f"{result.best_value:.4f}", str(result.best_step))
            if result.status == DIVERGED:
                cells = (DIVERGED, "–", "–")
            table.add_row(*row, *cells)
        return table

    def to_pandas(self) -> pd.DataFrame:
        """Returns one row per training: its key, weights kept, values, steps and seconds."""
        frame = pd.DataFrame([asdict(row) for row in self._rows])
        place = int(frame.columns.get_loc("draw")) + 1
        frame.insert(place, "remaining", 1 - frame["sparsity"])
        return frame.drop(columns=_HIDDEN)

    def plot(self) -> "InlineFigure":
        """Returns a figure of the metric against the fraction of weights remaining.

        Lines are means over seeds with their standard deviations, dense is a band, and below is
        the difference from each control with its 95 % t interval.

        Raises:
            LotteryError: every training diverged.
        """
        from keras_lottery.report.plots import draw_tickets
        from keras_lottery.report.results import results_of_rows

        rows = self._rows
        if not any(row.finished for row in rows):
            raise LotteryError(
                "Expected a search with a finished training. Received: one of which every "
                "training diverged. Lower the learning rate and search again."
            )
        higher = self.higher_is_better is not False
        return draw_tickets(results_of_rows(RunPaths(Path()), "", rows, higher, {}, {})).figure

    def save(self, folder: str | PathLike[str]) -> Path:
        """Writes every ticket, and `results.csv` as in `to_pandas`, into a folder.

        The ticket of seed 0, round 3 is `seed_0/round_03/winning.ticket.safetensors`, which
        `kl.Ticket.load` reads; `model` returns a trained network, for `model.save`.

        Args:
            folder: a new or an empty folder.

        Returns:
            The folder.

        Raises:
            LotteryError: the folder has files, or cannot be written to.
        """
        root = checks.file_path(folder, "folder")
        if root.exists() and (not root.is_dir() or any(root.iterdir())):
            raise LotteryError(
                f"Expected a new or an empty folder. Received: {root}, which is there. "
                "Choose another."
            )
        paths = RunPaths(root)
        for training in self.results:
            ticket = self.ticket(training.round, training.arm, training.seed)
            ticket.save(paths.ticket(training))
        write_text(paths.results, self.to_pandas().to_csv(index=False))
        return root

    def _repr_html_(self) -> str:
        frame = self.to_pandas()[["seed", "round", "arm", "remaining", "final_value", "status"]]
        shown = frame.to_html(index=False, float_format="{:.4g}".format, border=0)
        return f"<p>tickets by {self.metric}, measured on the {self.measured_on} data</p>{shown}"

    def __str__(self) -> str:
        console = Console(width=100, color_system=None, force_jupyter=False)
        with console.capture() as capture:
            console.print(self.table())
        return capture.get()

    __repr__ = __str__

    def _find(self, round: int, arm: str, seed: int | None) -> Training:
        key = (round, "dense" if round == 0 else arm)
        seed = self.seeds[0] if seed is None and self.seeds else seed
        of_seed = [training for training in self.results if training.seed == seed]
        if not of_seed:
            raise LotteryError(
                f"Expected a seed of the search. Received: {seed}. "
                f"Known: {', '.join(map(str, self.seeds))}."
            )
        for training in of_seed:
            if (training.round, training.arm) == key:
                return training
        known = sorted({(training.round, training.arm) for training in of_seed})
        raise LotteryError(
            f"Expected the round and arm of a trained ticket. Received: {round}, {arm!r}. "
            f"Known: {', '.join(f'{r} {a}' for r, a in known)}."
        )

    def _compared(self, training: Training) -> dict[str, Any]:
        """Returns what a ticket's card says about it: dense, and the paired difference."""
        if training.arm == "dense" or self._network is None:
            return {}
        from keras_lottery.report.statistics import paired

        rows = [row for row in self._rows if row.finished]
        pair = paired(rows, training.arm, "dense", {training.round})
        dense = [row.value for row in rows if (row.seed, row.arm) == (training.seed, "dense")]
        known: dict[str, Any] = {"remaining": remaining_of(self.starts[training])}
        known |= {"dense": dense[0]} if dense else {}
        if pair:
            ends = (pair.mean, pair.low, pair.high)
            known["seeds"] = pair.n
            known["difference"] = [None if math.isnan(end) else float(end) for end in ends]
        return known

    def _known_network(self) -> Network:
        if self._network is None:
            raise LotteryError(
                "Expected a history that TicketSearch.fit returned. Received: one without its "
                "network. Apply the ticket to a model and train it."
            )
        return self._network

    @cached_property
    def _rows(self) -> list[ResultRow]:
        """The rows; counting the weights of every mask takes time, and each ticket needs them."""
        network = self._known_network()
        return [
            row_of(training, self.starts[training], result, network, self.metric)
            for training, result in self.results.items()
        ]


def _value(result: TrainingResult) -> float:
    return math.nan if result.status == DIVERGED else result.final_value
