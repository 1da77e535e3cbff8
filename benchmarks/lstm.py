"""Tokens per second of LSTM language models: masked, dense with carried states, and plain Keras.

KERAS_BACKEND=jax python -m benchmarks.lstm [--pairs 11]
"""

from dataclasses import replace
from typing import Any

import keras
import numpy as np

import keras_lottery as kl
from benchmarks import made
from benchmarks.command import Measured, Options, backend_name, main
from benchmarks.compare import in_turn, ratios
from benchmarks.table import Row
from keras_lottery.tasks.language.modeling.config import LanguageModelingModel
from keras_lottery.tasks.language.modeling.lstm import language_model
from keras_lottery.tasks.language.modeling.windows import train_windows
from keras_lottery.training.compilation import Compilation

ABOUT = (
    "Training steps of an LSTM language model, several per compiled call: masked, with half of its "
    "weights pruned and states carried between windows; dense, also with states; and a plain Keras "
    "model of the same layers without states, compiled in the faster of the backend's ways."
)
LIMIT = 1.1
STEPS = 2


def measure(options: Options) -> Measured:
    """Returns masked against plain and against dense: 200 units, and the 650 of Yu 2019."""
    if options.quick:
        return _measure(8, 20, (4, 5), options)
    small = _measure(200, 10_000, (30, 50), options)
    large = _measure(650, 10_000, (30, 50), replace(options, pairs=min(options.pairs, 7)))
    return Measured(small.rows + large.rows, small.notes + large.notes)


def training(units: int, words: int, shape: tuple[int, int], masked: bool = True) -> made.Call:
    """Returns a call that trains for `STEPS` steps.

    Args:
        units: of each layer.
        words: of the vocabulary.
        shape: streams, and steps of a window.
        masked: half of the weights are pruned.
    """
    config = LanguageModelingModel(units=units, embedding=units)
    model = _compiled(language_model(config, words, shape[0]), masked)
    return _call(model, _windows(words, shape), shape[0])


def _windows(words: int, shape: tuple[int, int]) -> Any:
    streams, steps = shape
    ids = np.random.default_rng(0).integers(0, words, streams * steps * STEPS + 1)
    return train_windows(ids.astype(np.int32), streams, steps)


def _measure(units: int, words: int, shape: tuple[int, int], options: Options) -> Measured:
    streams, steps = shape
    windows = _windows(words, shape)
    config = LanguageModelingModel(units=units, embedding=units)
    bare = (windows[0]["tokens"], windows[1])
    candidates = {
        "masked": training(units, words, shape),
        "dense": training(units, words, shape, masked=False),
    }
    for name, compilation in _ways().items():
        plain = _compiled(language_model(config, words))
        candidates[name] = _call(plain, bare, streams, compilation)
    seconds = in_turn(candidates, options.pairs)
    fastest = min(_ways(), key=lambda name: float(np.median(seconds[name])))
    tokens = STEPS * streams * steps
    rates = {k: f"{k}: {tokens / np.median(v):,.0f} tokens/s" for k, v in seconds.items()}
    case = f"2 LSTM layers of {units} units, {words:,} words, {streams} streams of {steps}"
    rows = [
        Row.of(case, rates["masked"], rates[to], ratios(seconds, "masked", to), limit)
        for to, limit in ((fastest, LIMIT), ("dense", None))
    ]
    notes = [
        f"{units} units, compiled the slower way: {rates[name]}.  "
        for name in _ways()
        if name != fastest
    ]
    return Measured(rows, notes)


def _ways() -> dict[str, Compilation]:
    """Returns how a backend can compile many steps of a plain model."""
    if backend_name() == "tensorflow":
        return {
            "plain": Compilation(loop=True, xla=False),
            "plain, XLA": Compilation(loop=True, xla=True),
        }
    return {
        "plain": Compilation(loop=True, xla=True),
        "plain, one step per call": Compilation(loop=False, xla=True),
    }


def _compiled(model: keras.Model, masked: bool = False) -> keras.Model:
    if masked:
        model = kl.mask(model)
        kl.prune(model, sparsity=0.5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-3), loss)
    model.optimizer.build(model.trainable_variables)
    return model


def _call(
    model: keras.Model, arrays: tuple, streams: int, compilation: Compilation | None = None
) -> made.Call:
    model.test_on_batch(*keras.tree.map_structure(lambda array: array[:1], arrays))
    order = np.arange(STEPS * streams, dtype=np.int32).reshape(STEPS, streams)
    return made.steps_call(model, arrays, order, compilation)


if __name__ == "__main__":
    main("lstm", ABOUT, measure, keras=True)
