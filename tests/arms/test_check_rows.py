"""Rows of results.csv that no call of the run asked for."""

from pathlib import Path
from typing import Any

import pytest

from keras_lottery.arms.check_rows import check_rows
from keras_lottery.errors import LotteryError
from keras_lottery.records import ResultRow

CONFIG: dict[str, Any] = {
    "task": "vision",
    "seeds": [0, 2],
    "arms": ["winning", "reinit", "winning_init"],
    "draws": 2,
    "prune": {"rounds": 3, "arm_rounds": {"reinit": [1, 3]}},
    "transfer": {"sources": {"mnist": "runs/mnist"}, "arms": ["winning"]},
}
NOW = {"config": CONFIG, "metric": "accuracy", "results_version": 1}
BEFORE = {"config": CONFIG, "metric": "accuracy"}


def row(round: int = 1, arm: str = "winning", **changes: Any) -> ResultRow:
    fields: dict[str, Any] = {
        "source": "", "task": "vision", "seed": 0, "draw": 0, "sparsity": 0.5, "kept": 5,
        "prunable": 10, "total": 12, "flops": 20, "steps": 4, "seconds": 1.0,
        "compile_seconds": 0.0, "metric": "accuracy", "value": 0.9, "final_value": 0.9,
        "best_value": 0.9, "best_step": 3,
    }  # fmt: skip
    return ResultRow(round=round, arm=arm, **fields | changes)


DENSE, FIRST = row(0, "dense"), row(1)
GOOD = [
    DENSE, FIRST, row(3), row(seed=2), row(1, "reinit", draw=1), row(3, "winning_init"),
    row(source="mnist"),
]  # fmt: skip


def test_what_the_calls_asked_for_belongs() -> None:
    check_rows(Path("results.csv"), GOOD, NOW)
    check_rows(Path("results.csv"), GOOD, {"config": {}})  # it says nothing


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (row(99), r"a round .* up to 3.*'99'"),
        (row(-1), "round"),
        (row(1, "dense"), "round 0 for dense"),
        (row(0), "round 0 for dense"),
        (row(1, "nonsense"), "arms dense, reinit, winning.*'nonsense'"),
        (row(1, "one_shot"), "one_shot"),
        (row(seed=1), "seeds 0, 2.*'1'"),
        (row(1, "reinit", draw=2), "a draw from 0 to 1"),
        (row(draw=1), "a draw from 0 to 0"),
        (row(metric="loss"), "the run's metric accuracy"),
        (row(task="other"), "the run's task"),
        (row(source="cifar"), "sources mnist"),
        (row(1, "reinit", source="mnist"), "arms winning"),
        (row(1, "../x"), "without '/'"),
        (row(source="../mnist"), "without '/'"),
        (row(1, "a\x1b[m"), "control characters.*x1b"),
        (row(2, total=13), "12 weights"),
        (row(2, prunable=11), "10 weights"),
    ],
)
def test_other_rows_are_refused_with_their_number(wrong: ResultRow, said: str) -> None:
    with pytest.raises(LotteryError, match=f"row 9: expected {said}|row 9: expected .*{said}"):
        check_rows(Path("results.csv"), [*GOOD, wrong], NOW)


def test_a_round_that_an_arm_is_not_trained_in_is_refused() -> None:
    with pytest.raises(LotteryError, match="a round in which the run trains reinit"):
        check_rows(Path("results.csv"), [DENSE, row(2, "reinit")], NOW)


def test_an_arm_that_another_one_needs_belongs() -> None:
    record = {"config": CONFIG | {"arms": ["reinit"]}, "results_version": 1}
    check_rows(Path("results.csv"), [DENSE, FIRST, row(1, "reinit")], record)


def test_an_older_config_names_the_last_call_alone() -> None:
    earlier = [row(0, "dense", seed=7), row(seed=7), row(2, seed=7), row(1, "one_shot", seed=7)]
    check_rows(Path("results.csv"), [*GOOD, *earlier], BEFORE)
    for wrong in (row(99), row(1, "nonsense"), row(seed=7), row(1, "reinit", draw=2), row(-1)):
        with pytest.raises(LotteryError, match="row 9"):
            check_rows(Path("results.csv"), [*GOOD, wrong], BEFORE)


def test_what_descends_from_a_diverged_training_is_skipped() -> None:
    lost = row(1, status="diverged")
    skipped = [row(2, status="skipped"), row(3, status="skipped")]
    check_rows(Path("results.csv"), [DENSE, lost, *skipped], NOW)
    for wrong in (row(2), row(2, status="diverged")):
        with pytest.raises(LotteryError, match="row 4: expected skipped, since"):
            check_rows(Path("results.csv"), [DENSE, lost, wrong], NOW)
    # Trained again after its row was removed, the network may have descendants.
    with pytest.raises(LotteryError, match="row 4: expected finished or diverged"):
        check_rows(Path("results.csv"), [DENSE, FIRST, *skipped], NOW)
