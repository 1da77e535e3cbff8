"""The result of a `TicketSearch`."""

import math
from collections.abc import Mapping

from rich.console import Console
from rich.table import Table

from keras_lottery import pruning
from keras_lottery.engine.run_reader import to_ticket
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.search.metric import VALIDATION
from keras_lottery.toolkit import Ticket
from keras_lottery.types import DIVERGED, Start, Training, TrainingResult, Weights


class TicketHistory:
    """The tickets of a search, and their values.

    Attributes:
        results: results by training, in the order of completion.
        starts: starts by training.
        metric: name of the metric.
        higher_is_better: whether larger values are better; None if unknown.
        measured_on: `validation`, or `training` if the search had no validation data.
    """

    def __init__(
        self,
        results: Mapping[Training, TrainingResult],
        starts: Mapping[Training, Start],
        metric: str,
        higher_is_better: bool | None,
        measured_on: str = VALIDATION,
    ) -> None:
        self.results = dict(results)
        self.starts = dict(starts)
        self.metric = metric
        self.higher_is_better = higher_is_better
        self.measured_on = measured_on

    def ticket(self, round: int, arm: str = "winning") -> Ticket:
        """Returns the ticket of a round: masks, start weights, provenance.

        Raises:
            LotteryError: no such round or arm was trained.
        """
        training = self._find(round, arm)
        provenance = {"round": round, "arm": arm, "metric": self.metric}
        provenance |= {"measured_on": self.measured_on}
        base = to_ticket(
            self.starts[training], provenance | {"value": self.results[training].final_value}
        )
        return Ticket(base.masks, base.start, base.fills, base.provenance)

    def trained(self, round: int, arm: str = "winning") -> Weights:
        """Returns the trained weights of a round, pruned ones at their fixed value."""
        return self.results[self._find(round, arm)].weights

    def values(self, arm: str = "winning") -> dict[int, float]:
        """Returns the metric at the end of each round's training, with dense as round 0.

        It is NaN for diverged trainings, even if their metric is finite.

        Raises:
            LotteryError: no such arm was trained.
        """
        known = {training.arm for training in self.results}
        if arm not in known:
            raise unknown_name("arm of this search", arm, known)
        values = {
            training.round: _value(result)
            for training, result in self.results.items()
            if training.arm in (arm, "dense")
        }
        return dict(sorted(values.items()))

    def best_round(self, within: float = 0.0, higher_is_better: bool | None = None) -> int:
        """Returns the last round whose value is no worse than dense by more than `within`.

        Args:
            within: tolerance, in units of the metric.
            higher_is_better: direction of a custom metric that Keras doesn't know.

        Raises:
            LotteryError: the metric's direction is unknown, or the dense network diverged.
        """
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
        values = self.values()
        sign = 1 if higher else -1
        return max(r for r, v in values.items() if sign * (v - values[0]) >= -within)

    def table(self) -> Table:
        """Returns a table of rounds and arms for the terminal."""
        table = Table(title=f"tickets by {self.metric}, measured on the {self.measured_on} data")
        for column in ("round", "arm", "remaining", "final", "at best loss", "step"):
            table.add_column(column, justify="right")
        for training, result in self.results.items():
            masks = self.starts[training].masks
            remaining = 1 - pruning.sparsity(masks) if masks else 1.0
            row = (training.round, training.arm, f"{remaining:.1%}")
            cells = (f"{result.final_value:.4f}", f"{result.best_value:.4f}", str(result.best_step))
            if result.status == DIVERGED:
                cells = (DIVERGED, "–", "–")
            table.add_row(*map(str, row), *cells)
        return table

    def __str__(self) -> str:
        console = Console(width=100, color_system=None, force_jupyter=False)
        with console.capture() as capture:
            console.print(self.table())
        return capture.get()

    __repr__ = __str__

    def _find(self, round: int, arm: str) -> Training:
        name = "dense" if round == 0 else arm
        for training in self.results:
            if (training.round, training.arm) == (round, name):
                return training
        known = sorted({(training.round, training.arm) for training in self.results})
        raise LotteryError(
            f"Expected the round and arm of a trained ticket. Received: {round}, {arm!r}. "
            f"Known: {', '.join(f'{r} {a}' for r, a in known)}."
        )


def _value(result: TrainingResult) -> float:
    return math.nan if result.status == DIVERGED else result.final_value
