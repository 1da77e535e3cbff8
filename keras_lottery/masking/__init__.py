"""Masks on any Keras 3 model: attach, read and write by path, strip.

Masking a model takes five steps: read it into an inventory (`inventory`), choose variables, add
their masks to the layers (`add_masks`), swap the classes of the layers and the model
(`masked_layer`, which explains why), and mask the gradients of its optimizers (`gradient_mask`).
"""

from keras_lottery.masking.copying import fresh_weights, strip
from keras_lottery.masking.inventory import describe
from keras_lottery.masking.keras_internals import (
    batches_per_update,
    iterations,
    remake_functions,
    sync_trainer,
)
from keras_lottery.masking.learned import draw_scores, draws, is_learned, scores, set_mode
from keras_lottery.masking.options import MaskOptions, Patterns, options_from
from keras_lottery.masking.paths import carried, seed_generators, variables
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
from keras_lottery.masking.step import step_scope

__all__ = [
    "MaskOptions",
    "Patterns",
    "batches_per_update",
    "carried",
    "describe",
    "draw_scores",
    "draws",
    "effective_weights",
    "fresh_weights",
    "get_fills",
    "get_masks",
    "get_weights",
    "is_learned",
    "is_masked",
    "iterations",
    "options_from",
    "register_prunable",
    "remake_functions",
    "scores",
    "seed_generators",
    "set_masks",
    "set_mode",
    "set_weights",
    "step_scope",
    "strip",
    "sync_trainer",
    "variables",
]
