"""How numbers are written."""

import pytest

from keras_lottery.report.formatting import number, percent, unit_of
from tests.records.made_rows import row


def test_accuracies_are_percent_and_points() -> None:
    unit = unit_of([row(value=0.9764), row(value=float("nan"))])
    assert unit.value(0.9764) == "97.64 %"
    assert unit.difference(-0.0134) == "−1.34"
    assert unit.spread(0.9764, 0.0031) == "97.64 ± 0.31"
    assert unit.spread(0.9764, float("nan")) == "97.64"
    assert unit.points == " points" and unit.axis == "accuracy [%]"


@pytest.mark.parametrize(
    ("values", "shown"),
    [([80.0, 85.0], "82.35"), ([0.1, 0.2], "82.346"), ([-500.0, 20000.0], "82"), ([5.0], "82.35")],
)
def test_other_metrics_show_three_digits_of_their_reach(values: list[float], shown: str) -> None:
    unit = unit_of([row(metric="perplexity", value=value) for value in values])
    assert unit.value(82.3456) == shown


def test_accuracies_that_are_no_fractions_stay_as_they_are() -> None:
    assert unit_of([row(value=97.6)]).symbol == ""


def test_numbers() -> None:
    assert [percent(x) for x in (1, 0.8, 0.0352, 0.0012)] == ["100 %", "80.0 %", "3.52 %", "0.12 %"]
    assert number(-1234.5, 1) == "−1,234.5"
    assert [number(x, 1) for x in (float("nan"), float("inf"), -float("inf"))] == ["–", "∞", "−∞"]
