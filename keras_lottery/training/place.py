"""Putting a compiled model where a training begins."""

import keras
import numpy as np

from keras_lottery import masking
from keras_lottery.training import snapshot
from keras_lottery.training.optimizers import place_schedule
from keras_lottery.types import Start, State


def place(model: keras.Model, start: Start, fresh_optimizer: State) -> None:
    """Sets weights, masks, optimizer, seed generators and metrics by assignment.

    What a network carries from batch to batch is restored, or starts from zeros. The
    scores of learned masks are drawn anew from the start's seed.

    Args:
        model: masked and compiled, its optimizer built.
        start: where the training begins.
        fresh_optimizer: `snapshot.capture_optimizer` of the optimizer as it was built.
    """
    state = start.state or {}
    held = {key.partition("/")[0] for key in state}
    masking.set_weights(model, start.weights)
    snapshot.restore_carried(model, state)
    snapshot.restore_optimizer(model.optimizer, state if "optimizer" in held else fresh_optimizer)
    if "seeds" in held:
        snapshot.restore_seeds(model, state)
    else:
        snapshot.reset_seeds(model, start.seed)
    # Last, since it also zeroes the stored weights and the slots at pruned positions.
    full = {path: np.ones_like(mask) for path, mask in masking.get_masks(model).items()}
    none = {path: np.zeros_like(fill) for path, fill in masking.get_fills(model).items()}
    masking.set_masks(model, full | start.masks, none | start.fills, optimizers=(model.optimizer,))
    if masking.is_learned(model):
        masking.draw_scores(model, start.seed)
    place_schedule(model.optimizer, start.learning_rate_step)
    model.reset_metrics()
