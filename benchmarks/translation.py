"""Subwords per second of a small Transformer, masked and dense, in training and translation.

KERAS_BACKEND=tensorflow python -m benchmarks.translation [--pairs 11]
"""

from typing import Any

import keras
import numpy as np

import keras_lottery as kl
from benchmarks import made
from benchmarks.command import Measured, Options, backend_name, main, rated
from keras_lottery.tasks.language.translation.config import TranslationModel
from keras_lottery.tasks.language.translation.metrics import LogPerplexity, SmoothedCrossentropy
from keras_lottery.tasks.language.translation.model import build
from keras_lottery.tasks.language.translation.search import BeamSearch
from keras_lottery.training.compilation import Compilation

ABOUT = (
    "A training step of the small Transformer of Multi30k over sentences of 24 subwords, and a "
    "beam search with four beams over as many such sentences, cached and in one compiled program: "
    "masked, with half of its weights pruned, against dense. The weights are random, so that "
    "hardly any translation ends before its last position."
)
STEPS = 2


SIZE = (4000, 85, 24)
"""Subwords of the vocabulary, sentences of a batch, and subwords of a sentence."""
SMALL = TranslationModel(layers=2, width=128, hidden=256, heads=4)


def training() -> made.Call:
    """Returns a call that trains a masked model for `STEPS` steps."""
    return _training(_compiled(build(SMALL, SIZE[0]), True), _sentences(SIZE))


def _sentences(size: tuple[int, int, int]) -> Any:
    words, sentences, length = size
    rng = np.random.default_rng(0)
    return rng.integers(4, words, (STEPS, sentences, length)).astype(np.int32)


def _training(model: keras.Model, sentences: Any) -> made.Call:
    ids = sentences.reshape(-1, sentences.shape[-1])
    order = np.arange(len(ids), dtype=np.int32).reshape(STEPS, -1)
    compilation = Compilation(loop=True, xla=backend_name() != "tensorflow")  # the faster on a CPU
    return made.steps_call(model, ((ids, ids), ids), order, compilation)


def measure(options: Options) -> Measured:
    """Returns masked against dense, in training and translation."""
    size, config = SIZE, SMALL
    if options.quick:
        size, config = (30, 4, 6), TranslationModel(layers=1, width=8, hidden=8, heads=2, extra=2)
    words, sentences, length = size
    ids = _sentences(size)
    models = {name: _compiled(build(config, words), name == "masked") for name in MODELS}
    trainings = {name: _training(model, ids) for name, model in models.items()}
    subwords = sentences * (length + config.extra)
    searches = {name: BeamSearch(models[name], config, sentences, length) for name in MODELS}
    saying = {name: lambda search=searches[name]: search(ids[0]) for name in MODELS}
    case = f"{config.layers} + {config.layers} layers of {config.width}, {words:,} subwords"
    rows = [
        rated(f"{case}, training", trainings, STEPS * sentences * length, "subwords", options),
        rated(f"{case}, translating", saying, subwords, "subwords", options),
    ]
    return Measured(rows, [])


MODELS = ("masked", "dense")


def _compiled(model: keras.Model, masked: bool) -> keras.Model:
    if masked:
        model = kl.mask(model)
        kl.prune(model, sparsity=0.5)
    model.compile(keras.optimizers.Adam(1e-3), SmoothedCrossentropy(), metrics=[LogPerplexity()])
    model.optimizer.build(model.trainable_variables)
    one = np.ones((1, 4), np.int32)
    model.test_on_batch((one, one), one)
    return model


if __name__ == "__main__":
    main("translation", ABOUT, measure, keras=True)
