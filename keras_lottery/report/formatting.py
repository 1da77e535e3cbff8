"""Number formats: values of a metric, differences, fractions, counts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from keras_lottery.records import ResultRow

_NATS = {"log_perplexity": "nats"}
_SPOKEN = {"bleu": "BLEU", "log_perplexity": "log-perplexity", "f1": "F1"}


@dataclass(frozen=True)
class Unit:
    """The format of a metric's values.

    Args:
        name: name of the metric.
        factor: factor that a value is multiplied by.
        symbol: suffix of a value, e.g. ` %`.
        points: suffix of a difference, e.g. ` points`.
        digits: decimals of values and differences.
    """

    name: str
    factor: float = 1.0
    symbol: str = ""
    points: str = ""
    digits: int = 0

    @property
    def axis(self) -> str:
        """The metric's name and unit, for an axis or a column."""
        return self.with_unit(self.spoken)

    def with_unit(self, text: str) -> str:
        """Returns the text and the metric's unit, if it has one."""
        unit = self.symbol.strip() or _NATS.get(self.name)
        return f"{text} [{unit}]" if unit else text

    @property
    def noun(self) -> str:
        """The unit of a difference, or the metric's name if it has none."""
        return self.points.strip() or _NATS.get(self.name) or self.spoken

    @property
    def spoken(self) -> str:
        """The metric's name in a sentence."""
        return _SPOKEN.get(self.name, self.name.replace("_", " "))

    def bare(self, value: float) -> str:
        """Returns a value without its symbol."""
        return number(value * self.factor, self.digits)

    def value(self, value: float) -> str:
        """Returns a value with its symbol."""
        return self.bare(value) + self.symbol

    def spread(self, mean: float, sd: float) -> str:
        """Returns `mean ± sd`, or only the mean if the spread is unknown."""
        return self.bare(mean) + ("" if math.isnan(sd) else f" ± {self.bare(sd)}")

    def difference(self, value: float) -> str:
        """Returns a difference with its sign, without its unit."""
        sign = "+" if value > 0 else "−" if value < 0 else ""
        return sign + number(abs(value) * self.factor, self.digits)


def unit_of(rows: Sequence[ResultRow]) -> Unit:
    """Returns the unit of the rows' metric.

    Accuracies in [0, 1] are shown in percent. Other metrics get enough decimals to show the
    difference between the best and the worst row to three digits.
    """
    metric = rows[0].metric
    values = [row.value for row in rows if math.isfinite(row.value)]
    fractions = all(0 <= value <= 1 for value in values)
    if "accuracy" in metric.lower() and fractions:
        return Unit(metric, 100.0, " %", " points", 2)
    reach = max(values, default=0.0) - min(values, default=0.0) or abs(sum(values)) or 1.0
    return Unit(metric, digits=max(0, 2 - math.floor(math.log10(reach))))


def number(value: float, digits: int) -> str:
    """Returns a number with `digits` decimals, thousands separated, and a true minus sign."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    return f"{value:,.{digits}f}".replace("-", "−")


def percent(fraction: float) -> str:
    """Returns a fraction in percent: `100 %`, `80.0 %`, `3.52 %`, `0.12 %`."""
    shown = fraction * 100
    digits = 0 if shown in (0, 100) else 1 if shown >= 10 else 2
    return f"{shown:.{digits}f} %"


def count(value: float) -> str:
    """Returns a count with thousands separated."""
    return f"{value:,.0f}"


def rounds_text(numbers: Sequence[int]) -> str:
    """Returns `round 3`, `rounds 3 to 7` or `rounds 3, 5`."""
    numbers = sorted(numbers)
    if len(numbers) == 1:
        return f"round {numbers[0]}"
    if numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"rounds {numbers[0]} to {numbers[-1]}"
    return f"rounds {', '.join(map(str, numbers))}"
