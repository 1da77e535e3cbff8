"""Logging the sparsity of a model during training."""

from typing import Any

import keras

from keras_lottery import checks, masking


class SparsityLogger(keras.callbacks.Callback):
    """Adds `sparsity` (fraction of the prunable weights removed) to the logs of every epoch.

    Args:
        per_variable: add `sparsity/<path>` for every variable.

    Example:
        >>> history = model.fit(x, y, callbacks=[SparsityLogger()])
        >>> history.history["sparsity"]
    """

    def __init__(self, per_variable: bool = False) -> None:
        super().__init__()
        self.per_variable = checks.truth(per_variable, "per_variable")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if logs is None:
            return
        masks = masking.get_masks(self.model) if masking.is_masked(self.model) else {}
        size = sum(m.size for m in masks.values())
        kept = sum(int(m.sum()) for m in masks.values())
        logs["sparsity"] = 1 - kept / size if size else 0.0
        if self.per_variable:
            logs.update({f"sparsity/{p}": 1 - float(m.mean()) for p, m in masks.items()})
