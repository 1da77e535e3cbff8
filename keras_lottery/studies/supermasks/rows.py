"""The tables of the study `supermasks`: rows like those of results.csv, one per measured mask.

`arm` is `<criterion>/<weights>` and `round` the level; nothing is trained, so `steps` is 0.
"""

LEVELS = "levels.csv"
"""Every criterion and level; `value` on held-out images."""

CHOSEN = "chosen.csv"
"""The level of best value on held-out images (`best_value`); `value` on the test set."""


def arm_name(criterion: str, weights: str) -> str:
    """Returns what a mask criterion over some untrained weights is called."""
    return f"{criterion}/{weights}"
