"""Synthetic rows for the tests."""

from typing import Any

from keras_lottery.records import ResultRow


def row(seed: int = 0, round: int = 0, arm: str = "dense", **changes: Any) -> ResultRow:
    """Returns a plausible row with the given changes."""
    fields: dict[str, Any] = {
        "source": "", "task": "vision", "draw": 0,
        "sparsity": 1 - 0.8**round, "kept": int(1000 * 0.8**round), "prunable": 1000,
        "total": 1100, "flops": int(2000 * 0.8**round), "steps": 400, "seconds": 1.25,
        "compile_seconds": 0.0, "metric": "accuracy", "value": 0.9, "final_value": 0.9,
        "best_value": 0.91, "best_step": 300,
    }  # fmt: skip
    return ResultRow(seed=seed, round=round, arm=arm, **{**fields, **changes})
