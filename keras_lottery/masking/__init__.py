"""Masks on any Keras 3 model: attach, read and write by path, strip.

Masking a model takes five steps: read it into an inventory (`inventory`), choose variables, add
their masks to the layers (`add_masks`), swap the classes of the layers and the model
(`masked_layer`; `class_swap` explains why), and mask the gradients of its optimizers
(`gradient_mask`).

Where a weight is pruned, the stored weight and the optimizer's slots for it are exactly 0 after
every step. Three mechanisms keep them so:

1. Layers read their weights through a `where` with the mask (`MaskedLayer.call`), so the loss has
   no gradient there. Slots that start at 0 stay 0, and decoupled weight decay multiplies a 0.
2. The optimizer masks the gradients that it gets (`gradient_mask`): regularizers, and training
   steps that read a weight directly, can add some. For optimizers whose slots move without a
   gradient, it masks the slots, too.
3. The constraint of every masked variable zeroes it at the end of every step
   (`masked_variable.PrunedStayZero`), whatever the optimizer did.

`fit` zeroes the stored weights before its first step, and 3 after each one. What something else
writes in between, such as a callback, is zeroed before the next step (`MaskedVariable.is_written`).
So inside a step the `where` of 1 needn't compute the weight:

- On TensorFlow and JAX both of its sides are the stored weight. It only stops the gradient, and XLA
  drops it from the forward pass (`parametrizations.fixed`).
- On torch it selects between the weight and 0. Keras' own step on a CPU, and the steps of agents,
  go without it: they read the stored weight directly, and leave its gradient to 2
  (`MaskedModel._torch_scope`, `step.masked_by_optimizer`).

A mask is a variable. TensorFlow reads it inside the compiled function, torch runs eagerly. On JAX
an optimizer receives no masks, so the step hands them over (`step_scope`, or the last read in the
same trace); otherwise they would be compiled in as constants.
"""

from keras_lottery.masking.copying import blank_initializers, fresh_weights, strip
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
    "blank_initializers",
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
