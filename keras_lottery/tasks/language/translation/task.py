"""Translation as the engine sees it."""

from functools import cached_property

import keras
import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Progress
from keras_lottery.tasks.language.buckets import in_buckets
from keras_lottery.tasks.language.translation.batches import arrays, buckets
from keras_lottery.tasks.language.translation.config import TranslationConfig
from keras_lottery.tasks.language.translation.metrics import (
    LogPerplexity,
    SmoothedCrossentropy,
    bleu,
)
from keras_lottery.tasks.language.translation.model import build
from keras_lottery.tasks.language.translation.pairs import Corpus, Pairs, load
from keras_lottery.tasks.language.translation.search import BeamSearch
from keras_lottery.tasks.language.translation.subwords import Subwords
from keras_lottery.tasks.supervised import DERIVE_EXAMPLES, NetworkTask
from keras_lottery.training import ArrayData, length
from keras_lottery.training.data import Arrays
from keras_lottery.types import Start, Training, TrainingResult

TRANSLATED = 100
"""Batch size of translation, in sentences."""

SAMPLES = 5
"""Number of sample translations that are kept."""


class TranslationTask(NetworkTask):
    """A translation Transformer; its metric is sacreBLEU on the whole test set.

    Args:
        config: of an experiment whose task is `translation`.
        corpus: a data set in memory; None: the one that `config.data` names.
    """

    config: TranslationConfig
    name = "translation"
    metric = "bleu"
    higher_is_better = True

    def __init__(self, config: TranslationConfig, corpus: Corpus | None = None) -> None:
        super().__init__(config)
        self._given = corpus
        self._searches: dict[int, BeamSearch] = {}
        self._said: list[list[str]] = []

    @cached_property
    def corpus(self) -> Corpus:
        """The sentences."""
        return self._given or load(self.config.data)

    @cached_property
    def subwords(self) -> Subwords:
        """The shared vocabulary of both languages."""
        train = self.corpus.train
        return Subwords(train.source + train.target, self.config.data.vocabulary)

    def arrays(self) -> ArrayData:
        data, subwords = self.config.data, self.subwords
        train = self.corpus.train
        source, target = subwords.encode(train.source), subwords.encode(train.target)
        parts = buckets(source, target, data.lengths)
        whole = ArrayData(
            train=parts[0],
            validation=self._padded(self.corpus.validation),
            test=self._padded(self.corpus.test),
            evaluated=self._sentences(data.lengths[-1]),
        )
        return in_buckets(whole, parts, [self._sentences(part[1].shape[1]) for part in parts])

    def in_any_order(self) -> Arrays:
        """Returns pairs of every length, padded to the longest: all, or a sufficient number."""
        parts, longest = self._data.parts, self.config.data.lengths[-1]
        step = max(1, sum(length(part) for part in parts) // (10 * DERIVE_EXAMPLES))
        padded = [
            keras.tree.map_structure(
                lambda a: np.pad(a[::step], ((0, 0), (0, longest - a.shape[1]))), part
            )
            for part in parts
        ]
        return keras.tree.map_structure(lambda *arrays: np.concatenate(arrays), *padded)

    def build(self) -> keras.Model:
        return build(self.config.model, self.subwords.size)

    def assets(self) -> dict[str, bytes]:
        """Returns the vocabulary as a SentencePiece model."""
        return {"subwords.model": self.subwords.proto}

    def loss(self) -> keras.losses.Loss:
        return SmoothedCrossentropy(self.config.model.label_smoothing)

    def metrics(self) -> list[keras.metrics.Metric]:
        return [LogPerplexity()]

    def measured(self, model: keras.Model) -> dict[str, float]:
        self._said.append(self.translate(model))
        return bleu(self._said[-1], self.corpus.test.target, self.config.data.target)

    def fit(self, training: Training, start: Start, progress: Progress) -> TrainingResult:
        self._said.clear()
        result = super().fit(training, start, progress)
        answers = self._said[int(self.config.train.evaluate_start)]  # of the last step
        test = self.corpus.test
        result.samples = [
            {"source": source, "reference": reference, "answer": answer}
            for source, reference, answer in zip(test.source, test.target, answers)
        ][:SAMPLES]
        return result

    def translate(self, model: keras.Model) -> list[str]:
        """Returns a model's translations of the test set, as plain text."""
        sources = self._data.test[0][0][: len(self.corpus.test)]
        if id(model) not in self._searches:
            few = min(TRANSLATED, len(sources))
            search = BeamSearch(model, self.config.model, few, sources.shape[1])
            self._searches[id(model)] = search
        order = np.argsort(
            (sources != 0).sum(axis=1), kind="stable"
        )  # so that batches of short sentences end early
        tokens = np.empty((len(sources), sources.shape[1] + self.config.model.extra), np.int32)
        tokens[order] = self._searches[id(model)](sources[order])
        return self.subwords.decode(tokens)

    def _padded(self, part: Pairs) -> Arrays:
        """Returns pairs padded to the largest length; longer ones are cut.

        Empty pairs, which don't count, fill the last batch.
        """
        longest = self.config.data.lengths[-1]
        source, target = self.subwords.encode(part.source), self.subwords.encode(part.target)
        more = -len(part) % self._sentences(longest)
        batch = arrays(source, target, longest)
        return keras.tree.map_structure(lambda a: np.pad(a, ((0, more), (0, 0))), batch)

    def _sentences(self, places: int) -> int:
        """Returns the number of sentences per batch for a length, the same on each device."""
        size = self.config.train.batch_size // places // self._replicas * self._replicas
        if not size:
            raise LotteryError(
                f"Expected train.batch_size of at least {places * self._replicas} subwords, one "
                f"sentence of data.lengths per device. Received: {self.config.train.batch_size}. "
                "Choose a larger batch, or shorter sentences."
            )
        return size
