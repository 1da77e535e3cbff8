"""The tables of the study `supermasks`: rows like those of results.csv, one per measured mask.

`arm` is `<criterion>/<weights>` and `round` the level; nothing is trained, so `steps` is 0.
"""

LEVELS = "levels.csv"
"""All criteria and levels; `value` on held-out images."""

CHOSEN = "chosen.csv"
"""The level with the best value on held-out images (`best_value`); `value` on the test set."""


def arm_name(criterion: str, weights: str) -> str:
    """Returns the arm name of a mask criterion over a kind of untrained weights."""
    return f"{criterion}/{weights}"
