"""A small synthetic text and the language-modeling task on it."""

import numpy as np

import keras_lottery.tasks  # noqa: F401  registers the task
from keras_lottery.config import Config, freeze
from keras_lottery.tasks.language.modeling.corpus import Corpus
from keras_lottery.tasks.language.modeling.task import LanguageModelingTask

WORDS = 11
STREAMS, STEPS = 4, 5


def corpus(tokens: int = 150, seed: int = 0) -> Corpus:
    """Words of which each mostly follows from the one before, so that there is much to learn."""
    rng = np.random.default_rng(seed)

    def text(length: int) -> np.ndarray:
        steps = np.where(rng.random(length) < 0.8, 3, rng.integers(0, WORDS, length))
        return (np.cumsum(steps) % WORDS).astype(np.int32)

    return Corpus(text(tokens), text(70), text(83), tuple(f"w{i}" for i in range(WORDS)))


def config(**sections) -> Config:
    base = {
        "name": "made",
        "task": "language_modeling",
        "data": {"train": "-", "test": "-", "steps": STEPS},
        "model": {"units": 6, "embedding": 6, "dropout": 0.0},
        "optimizer": {"learning_rate": 0.03, "epsilon": 1e-5},
        "train": {"length": "56it", "batch_size": STREAMS, "eval_every": 3},
        "prune": {"biases": True},
        "rewind": {"to": "1ep"},
    }
    for name, fields in sections.items():
        base[name] = base[name] | fields
    return freeze(base)


def task(text: Corpus | None = None, **sections) -> LanguageModelingTask:
    return LanguageModelingTask(config(**sections), text or corpus())


class Silent:
    def update(self, step: int, of: int, loss: float) -> None:
        """Says nothing."""
