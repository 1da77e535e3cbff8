"""Calibration sequences: the dataset as windows of token ids, and as inputs of a model."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.toolkit.calibrated.configs import CalibrationConfig

__all__ = ["batches", "windows"]

Ids = NDArray[np.int32]
TOKENS, PADDING = "token_ids", "padding_mask"


def windows(config: CalibrationConfig, tokenizer: Any, model: Any = None) -> Ids:
    """Returns the calibration sequences, shape `(num_samples, sequence_length)`.

    They don't overlap, and are spread evenly over the data.

    Args:
        config: the dataset, and how many sequences of which length.
        tokenizer: from a string to token ids; None if there are none.
        model: its `vocabulary_size` and `max_sequence_length`, where it has them, are limits.

    Raises:
        LotteryError: the dataset is empty, of a wrong type or too short, it has unknown ids, or
            the model can't read sequences of that length.
    """
    length = config.sequence_length
    longest = getattr(model, "max_sequence_length", None)
    if longest and length > longest:
        raise LotteryError(
            f"Expected a sequence_length of at most {longest}, the model's max_sequence_length. "
            f"Received: {length}. Lower it."
        )
    parts = [
        ids[: len(ids) // length * length].reshape(-1, length)
        for ids in _sequences(config, tokenizer)
    ]
    every = np.concatenate(parts)
    if len(every) < config.num_samples:
        raise LotteryError(
            f"Expected a dataset of {config.num_samples} sequences of {length} tokens. Received: "
            f"{len(every)}. Lower num_samples or sequence_length, or pass more data."
        )
    chosen = every[np.arange(config.num_samples) * len(every) // config.num_samples]
    vocabulary = getattr(model, "vocabulary_size", None)
    if chosen.min() < 0 or (vocabulary and chosen.max() >= vocabulary):
        wrong = chosen.min() if chosen.min() < 0 else chosen.max()
        up_to = f"to {vocabulary - 1}" if vocabulary else "on"
        raise LotteryError(
            f"Expected token ids from 0 {up_to}. Received: {wrong}. Use the model's tokenizer."
        )
    return chosen


def batches(model: Any, ids: Ids, size: int) -> Iterator[Any]:
    """Yields inputs of a model for `size` sequences at a time.

    Raises:
        LotteryError: the model has inputs other than token ids and a padding mask.
    """
    names = _input_names(model)
    for start in range(0, len(ids), size):
        tokens = ops.convert_to_tensor(ids[start : start + size], "int32")
        values = {TOKENS: tokens, PADDING: ops.ones_like(tokens)}
        yield {name: values[name] for name in names} if names else tokens


def _input_names(model: Any) -> tuple[str, ...]:
    """Returns the names of the inputs in a dict; empty for a model of token ids alone."""
    try:
        inputs = model.input
    except (AttributeError, ValueError):  # a model that isn't functional
        return ()
    if isinstance(inputs, dict) and TOKENS in inputs and set(inputs) <= {TOKENS, PADDING}:
        return tuple(inputs)
    if isinstance(inputs, keras.KerasTensor) and len(inputs.shape) == 2:
        return ()
    names = sorted(inputs) if isinstance(inputs, dict) else keras.tree.flatten(inputs)
    raise LotteryError(
        "Expected a causal language model, whose inputs are token ids or a dict of token_ids and "
        f"padding_mask. Received: {', '.join(getattr(n, 'name', str(n)) for n in names)}. Use "
        "kl.prune for other models."
    )


def _sequences(config: CalibrationConfig, tokenizer: Any) -> list[Ids]:
    """Returns the token ids of each sequence; strings are one sequence."""
    dataset = config.dataset
    if hasattr(dataset, "ndim"):
        dataset = np.asarray(ops.convert_to_numpy(dataset))
        is_one = dataset.ndim == 0 or (dataset.ndim == 1 and dataset.dtype.kind in "iuf")
        dataset = [dataset] if is_one and dataset.size else dataset
    entries = list(dataset if hasattr(dataset, "__len__") else _enough(config, tokenizer))
    if not entries:
        raise LotteryError(
            "Expected dataset, strings or arrays of token ids. Received: an empty one. "
            "Pass some calibration data; a generator can be used only once."
        )
    if all(isinstance(entry, str) for entry in entries):
        if tokenizer is None:
            raise LotteryError(
                "Expected a tokenizer for a dataset of strings. Received: tokenizer=None, and a "
                "model without one in its preprocessor. Pass one, or token ids."
            )
        return [np.concatenate([_ids(_tokenize(tokenizer, entry), 0) for entry in entries])]
    return [_ids(entry, config.sequence_length) for entry in entries]


def _enough(config: CalibrationConfig, tokenizer: Any) -> Iterator[Any]:
    """Yields entries of a stream until they make `num_samples` sequences."""
    missing = config.num_samples * config.sequence_length
    for entry in config.dataset:
        yield entry
        is_text = isinstance(entry, str) and tokenizer is not None
        missing -= len(_tokenize(tokenizer, entry)) if is_text else config.sequence_length
        if missing <= 0:
            return


def _tokenize(tokenizer: Any, text: str) -> Any:
    return tokenizer.tokenize(text) if hasattr(tokenizer, "tokenize") else tokenizer(text)


def _ids(values: Any, least: int) -> Ids:
    """Returns token ids as an array of one axis."""
    try:
        array = np.asarray(ops.convert_to_numpy(values))
    except (TypeError, ValueError):
        array = np.asarray(None)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        kind = type(values).__name__
        shown = f"shape {array.shape} and type {array.dtype}" if array.ndim else f"class {kind}"
        raise LotteryError(
            "Expected dataset, strings alone or arrays of token ids with one axis. Received: an "
            f"entry of {shown}. Pass one kind only, and whole numbers."
        )
    if len(array) < least:
        raise LotteryError(
            f"Expected sequences of at least sequence_length={least} tokens. Received: "
            f"one of {len(array)}. Leave short ones out, or lower sequence_length."
        )
    return array.astype(np.int32)
