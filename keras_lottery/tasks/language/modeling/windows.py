"""A text as windows of contiguous streams, in reading order."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.config import TrainConfig
from keras_lottery.errors import LotteryError
from keras_lottery.training.data import DataOrder

Windows = tuple[dict[str, NDArray[np.int32]], NDArray[np.int32]]
"""Inputs `tokens` (rows, steps), `stream` (rows,), `fresh` (rows,), and labels (rows, steps)."""

Weighted = tuple[dict[str, NDArray[np.int32]], NDArray[np.int32], NDArray[np.float32]]
"""The same, and a weight for each label."""


def train_windows(ids: NDArray[np.int32], streams: int, steps: int) -> Windows:
    """Returns whole windows only, dropping up to `steps - 1` tokens at the end of each stream.

    Args:
        ids: the text, `(tokens,)`.
        streams: number of equal parts of the text that are read in parallel.
        steps: tokens per window.

    Returns:
        Rows `[t * streams, (t + 1) * streams)` are window `t` of all streams. `fresh` is 1 in the
        first window of each stream.

    Raises:
        LotteryError: the text is too short for one window per stream.
    """
    each = (len(ids) - 1) // streams
    windows = each // steps
    if not windows:
        raise LotteryError(
            f"Expected a training text of more than {streams * steps} tokens for {streams} "
            f"streams in windows of {steps}. Received: {len(ids)}. Lower train.batch_size or "
            "data.steps, or give a longer text."
        )
    starts = np.arange(streams)[:, None] * each + np.arange(windows * steps)
    return _rows(ids[starts], ids[starts + 1], steps)


def test_windows(ids: NDArray[np.int32], streams: int, steps: int) -> Weighted:
    """Returns windows in which every token except the first is predicted once.

    The last windows are padded. Padding has weight 0 and everything else an equal weight above 1,
    so that the weighted mean over all rows is the mean over the tokens.
    """
    each = -(-(len(ids) - 1) // streams)
    windows = -(-each // steps)
    starts = np.arange(streams)[:, None] * each + np.arange(windows * steps)
    wanted = (np.arange(windows * steps) < each) & (starts < len(ids) - 1)
    starts = np.where(wanted, starts, 0)
    weights = wanted * (wanted.size / wanted.sum())
    inputs, labels = _rows(ids[starts], ids[starts + 1], steps)
    return inputs, labels, _in_order(weights, steps).astype(np.float32)


def in_order(rows: int, streams: int, train: TrainConfig, seed: int) -> DataOrder:
    """Returns the reading order of windows: sequential, with one window of each stream per batch.

    Raises:
        LotteryError: batches have another size.
    """
    if train.batch_size != streams:
        raise LotteryError(
            f"Expected batches of {streams}, one example of each stream. "
            f"Received: {train.batch_size}. Give every section that trains one batch_size."
        )
    return DataOrder(rows, streams, seed, shuffle=False)


def _rows(x: NDArray[Any], y: NDArray[Any], steps: int) -> Windows:
    streams, windows = len(x), x.shape[1] // steps
    tokens, labels = (_in_order(a, steps).astype(np.int32) for a in (x, y))
    stream = np.tile(np.arange(streams, dtype=np.int32), windows)
    fresh = (np.arange(len(tokens)) < streams).astype(np.int32)
    return {"tokens": tokens, "stream": stream, "fresh": fresh}, labels


def _in_order(values: NDArray[Any], steps: int) -> NDArray[Any]:
    """Reorders streams `(streams, windows * steps)` into reading order `(rows, steps)`."""
    cut = values.reshape(len(values), -1, steps)
    return cut.swapaxes(0, 1).reshape(-1, steps)
