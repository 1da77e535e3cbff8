"""The networks trained in each round: the winning ticket and its controls; one file per family."""

from keras_lottery.arms.registry import FAMILIES, LEARNED, arms, needed, rounds_of

__all__ = ["FAMILIES", "LEARNED", "arms", "needed", "rounds_of"]
