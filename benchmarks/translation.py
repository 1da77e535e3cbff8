"""Subwords per second of a small Transformer, masked and dense, in training and translation.

KERAS_BACKEND=tensorflow python -m benchmarks.translation [--pairs 11]
"""

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
    "beam search of four over as many sentences of 24, cached and in one compiled program: "
    "masked, with half of its weights pruned, against dense. The weights are random, so that "
    "hardly any translation ends before its last position."
)
STEPS = 2


def measure(options: Options) -> Measured:
    """Returns masked against dense, in training and translation."""
    words, sentences, length = (30, 4, 6) if options.quick else (4000, 85, 24)
    sizes = {"layers": 1, "width": 8, "hidden": 8, "heads": 2, "extra": 2} if options.quick else {
        "layers": 2, "width": 128, "hidden": 256, "heads": 4,
    }  # fmt: skip
    config = TranslationModel(**sizes)
    ids = np.random.default_rng(0).integers(4, words, (STEPS * sentences, length)).astype(np.int32)
    arrays = ((ids, ids), ids)
    order = np.arange(len(ids), dtype=np.int32).reshape(STEPS, sentences)
    compilation = Compilation(loop=True, xla=backend_name() != "tensorflow")  # the faster on a CPU
    models = {name: _compiled(build(config, words), name == "masked") for name in MODELS}
    training = {name: made.steps_call(models[name], arrays, order, compilation) for name in MODELS}
    subwords = sentences * (length + config.extra)
    searches = {name: BeamSearch(models[name], config, sentences, length) for name in MODELS}
    saying = {name: lambda search=searches[name]: search(ids[:sentences]) for name in MODELS}
    case = f"{config.layers} + {config.layers} layers of {config.width}, {words:,} subwords"
    rows = [
        rated(f"{case}, trained", training, STEPS * sentences * length, "subwords", options),
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
