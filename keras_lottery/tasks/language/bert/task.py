"""Fine-tuning a pre-trained BERT, as the engine sees it."""

from dataclasses import replace
from functools import cached_property

import keras

from keras_lottery import masking
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.bert.config import BertConfig
from keras_lottery.tasks.language.bert.pretrained import Pretrained, load
from keras_lottery.tasks.language.bert.problem import Examples, kind_of
from keras_lottery.tasks.language.bert.problems import PROBLEMS
from keras_lottery.tasks.language.bert.tokens import Encoder, by_length
from keras_lottery.tasks.language.buckets import in_buckets
from keras_lottery.tasks.seeding import seeded
from keras_lottery.tasks.supervised import NetworkTask
from keras_lottery.training import ArrayData, Trainer
from keras_lottery.types import Start, Weights


class _Unseen:
    """Progress that nobody sees: that of training a head, of which no result has a row."""

    def update(self, step: int, of: int, loss: float) -> None:
        pass


EVALUATED = 4
"""Evaluation batch size, in training batches."""


class BertTask(NetworkTask):
    """A pre-trained encoder with a new head; texts are tokenized once.

    The head is initialized from the seed, and trained on the frozen encoder if `model.head_length`
    says so.

    Args:
        config: of an experiment whose task is `bert`.
        pretrained: a network in memory; None: the one that `config.model` names.
        examples: data in memory; None: those that `config.data` names.

    Reference: Chen et al. 2020 (2007.12223), section 3.
    """

    config: BertConfig
    name = "bert"
    higher_is_better = True

    def __init__(
        self,
        config: BertConfig,
        pretrained: Pretrained | None = None,
        examples: Examples | None = None,
    ) -> None:
        super().__init__(config)
        self.metric = PROBLEMS[config.data.name].metric
        self._kind = kind_of(config.data.name)
        self._given = pretrained, examples
        self._heads: dict[int, Weights] = {}

    @cached_property
    def pretrained(self) -> Pretrained:
        """The pre-trained network.

        Raises:
            LotteryError: it isn't there, or its sequences are shorter than the config's.
        """
        pretrained = self._given[0] or load(self.config.model.preset, self.config.data.dir)
        longest, asked = pretrained.sizes["max_sequence_length"], self.config.data.max_len
        if asked > longest:
            raise LotteryError(
                f"Expected data.max_len of at most {longest} tokens, as the network was trained. "
                f"Received: {asked}. Lower it."
            )
        return pretrained

    @cached_property
    def examples(self) -> Examples:
        """The tokenized data.

        Raises:
            LotteryError: they aren't there, or don't fit.
        """
        examples, data = self._given[1], self.config.data
        if examples is None:
            sizes = self.pretrained.sizes
            encoder = Encoder(self.pretrained.tokenizer, sizes["vocabulary_size"], data.max_len)
            examples = self._kind.read(data, encoder)
        return examples

    def arrays(self) -> ArrayData:
        # Logits over words and attention take far more memory than images.
        batch_size = self.config.train.batch_size
        arrays = replace(self.examples.arrays, evaluated=EVALUATED * batch_size)
        if not self.config.data.lengths:
            return arrays
        parts = by_length(arrays.train, self.config.data.lengths)
        return in_buckets(arrays, parts, [batch_size] * len(parts))

    def build(self) -> keras.Model:
        dropout = self.config.model.dropout
        backbone = self.pretrained.backbone(dropout)
        return self._kind.build(backbone, self.examples.outputs, dropout)

    def loss(self) -> keras.losses.Loss:
        return self._kind.loss()

    def metrics(self) -> list[keras.metrics.Metric]:
        return self._kind.metrics(self.examples.outputs)

    def measured(self, model: keras.Model) -> dict[str, float]:
        """Returns metrics computed from all test outputs together."""
        judge = self.examples.judge
        if judge is None:
            return {}
        batch_size = self.config.train.batch_size
        return judge(model.predict(self._data.test[0], batch_size=batch_size, verbose=0))

    def start_weights(self, seed: int) -> Weights:
        """Returns the pre-trained weights, with a head initialized from the seed, or trained."""
        pretrained = self.pretrained.weights
        weights = self.fresh_weights(seed) | {
            path: pretrained[source]
            for path, source in self._places.items()
            if source in pretrained
        }
        if Duration.parse(self.config.model.head_length).count:
            if seed not in self._heads:
                self._heads[seed] = self._trained_head(Start(weights, seed=seed))
            weights |= self._heads[seed]
        return weights

    def _trained_head(self, start: Start) -> Weights:
        """Returns the weights of the head after training it on the frozen encoder."""
        trained = self._head_trainer.fit(
            start, capture_at=None, data_seed=start.seed, progress=_Unseen()
        )
        return {path: w for path, w in trained.weights.items() if path not in self._places}

    @cached_property
    def _head_trainer(self) -> Trainer:
        config = self.config
        with self._distribution.scope(), seeded(0):
            model = self._new()
        model.get_layer("bert_backbone").trainable = False
        return Trainer(
            model,
            replace(config.optimizer, learning_rate=config.model.head_learning_rate),
            replace(config.train, length=config.model.head_length, eval_every=0, average=0),
            self._data,
            loss=self.loss(),
            distribution=self._distribution,
        )

    @cached_property
    def _places(self) -> dict[str, str]:
        """The path within the backbone of each of its variables, by path in the network."""
        backbone = self._model.get_layer("bert_backbone")
        within = {id(v): path for path, v in masking.variables(backbone).items()}
        items = masking.variables(self._model).items()
        return {path: within[id(v)] for path, v in items if id(v) in within}
