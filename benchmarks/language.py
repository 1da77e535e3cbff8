"""Language tasks on synthetic tokens, at the sizes of presets that would need a download."""

from typing import Any

import numpy as np

from keras_lottery import masking
from keras_lottery.tasks.language.bert.config import BertConfig
from keras_lottery.tasks.language.bert.problems import PROBLEMS
from keras_lottery.tasks.language.modeling.config import LanguageModelingConfig
from keras_lottery.training import ArrayData
from keras_lottery.types import VariableInfo

_BERT = {
    "vocabulary_size": 30_522, "num_layers": 12, "num_heads": 12, "hidden_dim": 768,
    "intermediate_dim": 3072, "max_sequence_length": 512, "num_segments": 2,
}  # fmt: skip
SIZES = {
    "bert_base_en_uncased": _BERT,
    "minilm": _BERT | {"num_layers": 6, "hidden_dim": 384, "intermediate_dim": 1536},
}
"""Arguments of KerasHub's `BertBackbone`, by `model.preset`."""

WORDS = {
    "wikitext2_lstm": 33_278,
    "ptb_lstm": 10_000,
    "ptb_lstm_200": 10_000,
    "ptb_lstm_small": 5_713,
    "ptb_lstm_words": 8_876,
    "ptb_lstm_recurrent": 8_876,
}
"""Words of the training text, with `<unk>` and `<eos>`, by the name of the preset."""

_FOUND: dict[str, list[VariableInfo]] = {}


def bert_variables(config: BertConfig) -> list[VariableInfo]:
    """Returns the variables of a BERT preset, built once for all presets that share them."""
    prune = config.prune
    key = repr((config.model, PROBLEMS[config.data.name].kind, prune.include, prune.embeddings))
    if key not in _FOUND:
        _FOUND[key] = masking.describe(bert_task(config).build(), prune)
    return _FOUND[key]


def bert_task(config: BertConfig) -> Any:
    """Returns the task of a BERT preset over two batches of sequences of 8 tokens."""
    from keras_lottery.tasks.language.bert.pretrained import Pretrained
    from keras_lottery.tasks.language.bert.problem import Examples
    from keras_lottery.tasks.language.bert.task import BertTask

    count = 2 * config.train.batch_size
    shape = (count, 8)
    ids = np.random.default_rng(0).integers(1, 1000, shape).astype(np.int32)
    ones = np.ones(shape, np.int32)
    x = {"token_ids": ids, "segment_ids": 0 * ones, "padding_mask": ones}
    y = (np.arange(count) % 2).astype(np.int32)
    kind = PROBLEMS[config.data.name].kind
    if kind == "masked_lm":
        x, y = x | {"mask_positions": ones[:, :2]}, ids[:, :2]
    if kind == "span":
        y = ones[:, :2]
    arrays = ArrayData(train=(x, y), validation=None, test=(x, y))
    judge = (lambda logits: {"f1": 0.0}) if kind == "span" else None
    examples = Examples(arrays, outputs=2, judge=judge)
    return BertTask(config, Pretrained(SIZES[config.model.preset]), examples)


def language_modeling_task(config: LanguageModelingConfig) -> Any:
    """Returns the task of an LSTM preset over a text of random words, two windows a stream."""
    from keras_lottery.tasks.language.modeling.corpus import Corpus
    from keras_lottery.tasks.language.modeling.task import LanguageModelingTask

    words = WORDS[config.name]
    length = 2 * config.train.batch_size * config.data.steps + 1
    ids = np.random.default_rng(0).integers(0, words, length).astype(np.int32)
    vocabulary = tuple(map(str, range(words)))
    return LanguageModelingTask(config, Corpus(ids, ids, ids, vocabulary))
