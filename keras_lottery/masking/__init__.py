"""Masks on any Keras 3 model: attach, read and write by path, strip."""

from keras_lottery.masking.attach import mask
from keras_lottery.masking.describe import MaskOptions, describe
from keras_lottery.masking.guard import step_scope
from keras_lottery.masking.keras_internals import sync_trainer
from keras_lottery.masking.paths import seed_generators, variables
from keras_lottery.masking.prunable import register_prunable
from keras_lottery.masking.state import (
    effective_weights,
    get_fills,
    get_masks,
    get_weights,
    is_masked,
    set_masks,
    set_weights,
)

__all__ = [
    "MaskOptions",
    "describe",
    "effective_weights",
    "get_fills",
    "get_masks",
    "get_weights",
    "is_masked",
    "mask",
    "register_prunable",
    "seed_generators",
    "set_masks",
    "set_weights",
    "step_scope",
    "sync_trainer",
    "variables",
]
