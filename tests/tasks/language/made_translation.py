"""A synthetic language that translates word by word."""

import numpy as np

from keras_lottery.tasks.language.translation.pairs import Corpus, Pairs

WORDS = {"rot": "red", "blau": "blue", "haus": "house", "baum": "tree", "gross": "large"}


def sentences(count: int, seed: int = 0) -> Pairs:
    rng = np.random.default_rng(seed)
    found = Pairs([], [])
    for _ in range(count):
        words = rng.choice(list(WORDS), rng.integers(1, 6))
        found.source.append(" ".join(words))
        found.target.append(" ".join(WORDS[w] for w in words))
    return found


def corpus() -> Corpus:
    return Corpus(sentences(600), sentences(16, 1), sentences(12, 2))
