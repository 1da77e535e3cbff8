"""Metrics that are not averages over examples: they keep sums and compute the ratio at the end."""

from typing import Any

import keras

Tensor = Any


# Keras' F1Score takes one-hot labels and thresholds probabilities; these are classes and logits.
@keras.saving.register_keras_serializable("keras_lottery")
class Confusion(keras.metrics.Metric):
    """A score of two classes, computed from their confusion matrix.

    Args:
        score: `matthews` or `f1` (of class 1).
        name: of the metric.
    """

    def __init__(self, score: str = "matthews", name: str | None = None) -> None:
        super().__init__(name=name or score)
        self.score = score
        self.table = self.add_variable((2, 2), initializer="zeros", name="table")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Counts a batch.

        Args:
            y_true: classes `(examples,)`.
            y_pred: logits `(examples, 2)`.
            sample_weight: not used.
        """
        ops = keras.ops
        true = ops.one_hot(ops.cast(ops.reshape(y_true, (-1,)), "int32"), 2, dtype=self.dtype)
        predicted = ops.one_hot(ops.argmax(y_pred, axis=-1), 2, dtype=self.dtype)
        self.table.assign(self.table + ops.matmul(ops.transpose(true), predicted))

    def result(self) -> Tensor:
        """Returns the score; 0 if it is undefined."""
        ops, table = keras.ops, self.table
        tn, fp, fn, tp = table[0, 0], table[0, 1], table[1, 0], table[1, 1]
        if self.score == "f1":
            return ops.divide_no_nan(2 * tp, 2 * tp + fp + fn)
        below = ops.sqrt(tp + fp) * ops.sqrt(tp + fn) * ops.sqrt(tn + fp) * ops.sqrt(tn + fn)
        return ops.divide_no_nan(tp * tn - fp * fn, below)

    def get_config(self) -> dict[str, Any]:
        return {"score": self.score, "name": self.name}


# Keras' SparseCategoricalAccuracy counts positions without a label as wrong.
@keras.saving.register_keras_serializable("keras_lottery")
class KnownAccuracy(keras.metrics.Metric):
    """Accuracy over the positions with a label; others are labeled below 0."""

    def __init__(self, name: str = "accuracy") -> None:
        super().__init__(name=name)
        self.sums = self.add_variable((2,), initializer="zeros", name="sums")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch.

        Args:
            y_true: classes `(examples, places)`; below 0: no label.
            y_pred: logits `(examples, places, classes)`.
            sample_weight: not used.
        """
        ops = keras.ops
        known = ops.cast(y_true >= 0, self.dtype)
        right = ops.cast(ops.equal(y_true, ops.argmax(y_pred, axis=-1)), self.dtype)
        self.sums.assign(self.sums + ops.stack([ops.sum(known * right), ops.sum(known)]))

    def result(self) -> Tensor:
        """Returns the accuracy."""
        return keras.ops.divide_no_nan(self.sums[0], self.sums[1])

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}


# Keras' PearsonCorrelation is the mean of the batches' correlations.
@keras.saving.register_keras_serializable("keras_lottery")
class Pearson(keras.metrics.Metric):
    """Pearson's correlation of predictions and labels."""

    def __init__(self, name: str = "pearson") -> None:
        super().__init__(name=name)
        self.sums = self.add_variable((6,), initializer="zeros", name="sums")

    def update_state(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor = None) -> None:
        """Adds a batch.

        Args:
            y_true: numbers `(examples,)`.
            y_pred: predictions `(examples, 1)`.
            sample_weight: not used.
        """
        ops = keras.ops
        x, y = (ops.cast(ops.reshape(a, (-1,)), self.dtype) for a in (y_true, y_pred))
        parts = (ops.ones_like(x), x, y, x * x, y * y, x * y)
        self.sums.assign(self.sums + ops.stack([ops.sum(part) for part in parts]))

    def result(self) -> Tensor:
        """Returns the correlation; 0 if either is constant."""
        ops, sums = keras.ops, self.sums
        n, x, y, xx, yy, xy = (sums[i] for i in range(6))
        spread = ops.maximum(n * xx - x * x, 0.0), ops.maximum(n * yy - y * y, 0.0)
        return ops.divide_no_nan(n * xy - x * y, ops.sqrt(spread[0]) * ops.sqrt(spread[1]))

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name}
