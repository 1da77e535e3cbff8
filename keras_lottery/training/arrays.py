"""The arrays of `fit`: class weights and the validation split."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.training.checks import check_arrays
from keras_lottery.training.data import length
from keras_lottery.training.epochs import is_arrays


def weighted_and_split(x: Any, settings: Mapping[str, Any]) -> tuple[tuple[Any, ...], Any]:
    """Returns `(x, y, sample_weight)` without missing parts, and the validation data."""
    weights, sample_weight = settings["class_weight"], settings["sample_weight"]
    if weights is not None and sample_weight is not None:
        raise LotteryError(
            "Expected class_weight or sample_weight. Received both. Multiply them yourself and "
            "pass the product as sample_weight."
        )
    check_arrays(x, settings["y"], sample_weight)
    train, validation = (x, settings["y"], sample_weight), settings["validation_data"]
    if settings["validation_split"] and validation is None:
        train, validation = _split(train, settings["validation_split"])
    if weights is not None:
        train = (*train[:2], _class_weights(train[1], weights))
    return tuple(part for part in train if part is not None), validation


def _class_weights(y: Any, class_weight: Mapping[int, float]) -> NDArray[np.float32]:
    """Returns the class weight of every example."""
    if not is_arrays(y) or keras.tree.is_nested(y):
        raise LotteryError(
            "Expected the labels of one output for class_weight. "
            f"Received: {type(y).__name__}. Pass sample_weight, one array per output."
        )
    labels = np.asarray(y)
    if labels.ndim > 1 and labels.shape[-1] > 1:
        if labels.ndim > 2 or not np.allclose(labels.sum(-1), 1):
            raise LotteryError(
                "Expected a class, or one probability per class, for each example with "
                f"class_weight. Received: labels of shape {labels.shape}. Pass sample_weight."
            )
        labels = labels.argmax(-1)
    labels = labels.ravel()
    missing = sorted(set(np.unique(labels).tolist()) - set(class_weight))
    if missing:
        raise LotteryError(
            f"Expected a class_weight for every class. Received none for {missing}. Add "
            "them, or pass sample_weight."
        )
    classes, places = np.unique(labels, return_inverse=True)
    return np.array([class_weight[int(label)] for label in classes], np.float32)[places]


def _split(train: tuple[Any, ...], fraction: float) -> tuple[Any, Any]:
    """Takes the last `fraction` of the examples for validation, as Keras does."""
    if not 0 < fraction < 1:
        raise LotteryError(
            f"Expected a validation_split above 0 and below 1. Received: {fraction}."
        )
    cut = kept_for_training(length(train), fraction)
    head = keras.tree.map_structure(lambda a: None if a is None else a[:cut], train)
    return head, keras.tree.map_structure(lambda a: None if a is None else a[cut:], train)


def kept_for_training(examples: int, validation_split: float) -> int:
    """Returns the number of training examples under a validation split.

    Raises:
        LotteryError: the training or validation data would be empty.
    """
    cut = int(examples * (1 - validation_split))
    if validation_split and not 0 < cut < examples:
        raise LotteryError(
            f"Expected a validation_split that leaves examples in both parts of {examples}. "
            f"Received: {validation_split}. Choose another, or pass validation_data."
        )
    return cut
