"""Language modeling as the engine sees it."""

from functools import cached_property, partial

import keras
import numpy as np

from keras_lottery import masking
from keras_lottery.tasks.language.modeling.config import LanguageModelingConfig
from keras_lottery.tasks.language.modeling.corpus import Corpus, load
from keras_lottery.tasks.language.modeling.lstm import language_model
from keras_lottery.tasks.language.modeling.windows import in_order, test_windows, train_windows
from keras_lottery.tasks.supervised import NetworkTask
from keras_lottery.training import ArrayData, length
from keras_lottery.training.data import Arrays
from keras_lottery.types import Weights


class LanguageModelingTask(NetworkTask):
    """A recurrent network that predicts the next token of a text.

    The text is read as `train.batch_size` contiguous streams, in windows of `data.steps` tokens.
    States are carried from window to window. They are reset to zero at the start of each epoch and
    of each evaluation; gradients stop at the start of a window.

    Args:
        config: of an experiment whose task is `language_modeling`.
        corpus: a text in memory; None: the one that `config.data` names.

    Reference:
        Yu et al. 2019 (1906.02768).
    """

    config: LanguageModelingConfig
    name = "language_modeling"
    metric = "log_perplexity"
    higher_is_better = False
    judged_by_loss = True

    def __init__(self, config: LanguageModelingConfig, corpus: Corpus | None = None) -> None:
        super().__init__(config)
        self._given = corpus

    @cached_property
    def corpus(self) -> Corpus:
        """The text."""
        return self._given or load(self.config.data)

    def arrays(self) -> ArrayData:
        corpus, streams, steps = self.corpus, self.config.train.batch_size, self.config.data.steps
        validation = corpus.validation
        train = train_windows(corpus.train, streams, steps)
        return ArrayData(
            train=train,
            validation=None if validation is None else test_windows(validation, streams, steps),
            test=test_windows(corpus.test, streams, steps),
            order=partial(in_order, length(train), streams),
            evaluated=streams,
        )

    def in_any_order(self) -> Arrays:
        """Returns the training windows, each as if it started its stream."""
        x, y = self._data.train
        return {**x, "fresh": np.ones_like(x["fresh"])}, y

    def build(self) -> keras.Model:
        return self._build(self.config.train.batch_size)

    def export_model(self, weights: Weights) -> keras.Model:
        """Returns a plain model from token ids `(batch, steps)` to logits, without states."""
        model = self._new(partial(self._build, streams=0))
        masking.set_weights(model, weights)
        return model

    def assets(self) -> dict[str, bytes]:
        """Returns the vocabulary, one token per line in the order of their ids."""
        return {"vocabulary.txt": "".join(f"{t}\n" for t in self.corpus.vocabulary).encode()}

    def loss(self) -> keras.losses.Loss:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[keras.metrics.Metric]:
        return []  # the loss is the log-perplexity; a metric would need a second softmax

    def _build(self, streams: int) -> keras.Model:
        return language_model(self.config.model, len(self.corpus.vocabulary), streams)
