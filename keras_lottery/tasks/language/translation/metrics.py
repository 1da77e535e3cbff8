"""Label-smoothed loss, teacher-forced perplexity, and BLEU of translations."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_lottery.errors import MissingExtraError
from keras_lottery.tasks.language.translation.subwords import PAD


class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy with label smoothing, over the subwords that are not padding.

    The sum is divided by the number of all positions, including padding, so that it doesn't depend
    on how a batch is split between devices; batches are about equally full.

    Args:
        smoothing: fraction of the target's probability spread over the vocabulary.
    """

    def __init__(self, smoothing: float = 0.1) -> None:
        super().__init__(name="loss")
        self.smoothing = smoothing

    def call(self, y_true: Any, y_pred: Any) -> Any:
        logs = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        right = _chosen(logs, y_true)
        spread = ops.mean(logs, axis=-1)
        is_token = ops.cast(ops.not_equal(y_true, PAD), "float32")
        return -((1 - self.smoothing) * right + self.smoothing * spread) * is_token


class LogPerplexity(keras.metrics.Metric):
    """Mean negative log-likelihood, in nats, of the subwords that are not padding."""

    def __init__(self, name: str = "log_perplexity") -> None:
        super().__init__(name=name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        is_token = ops.cast(ops.not_equal(y_true, PAD), "float32")
        logs = ops.log_softmax(ops.cast(y_pred, "float32"), axis=-1)
        self.total.assign_add(-ops.sum(_chosen(logs, y_true) * is_token))
        self.count.assign_add(ops.sum(is_token))

    def result(self) -> Any:
        return ops.divide_no_nan(self.total, self.count)


def _chosen(logs: Any, y: Any) -> Any:
    index = ops.expand_dims(ops.cast(y, "int32"), -1)
    return ops.squeeze(ops.take_along_axis(logs, index, axis=-1), -1)


def bleu(translations: Sequence[str], references: Sequence[str], language: str) -> dict[str, float]:
    """Returns two scores of a test set, each from 0 to 100, case-sensitive.

    Args:
        translations: translations as plain text.
        references: one reference each.
        language: of both, for the Moses tokenizer.

    Returns:
        `bleu`: sacreBLEU's default, with its tokenizer 13a; `bleu_moses`: with Moses tokenization,
        comparable with `multi-bleu.perl`.
    """
    sacrebleu, sacremoses = _packages()
    moses = sacremoses.MosesTokenizer(lang=language)
    tokens = [[moses.tokenize(s, return_str=True, escape=False) for s in part]
              for part in (translations, references)]  # fmt: skip
    plain = sacrebleu.corpus_bleu(list(translations), [list(references)])
    tokenized = sacrebleu.corpus_bleu(tokens[0], [tokens[1]], tokenize="none", force=True)
    return {"bleu": float(plain.score), "bleu_moses": float(tokenized.score)}


def _packages() -> Any:
    try:
        import sacrebleu
        import sacremoses
    except ImportError as error:
        raise MissingExtraError(error.name or "sacrebleu", "nlp") from error
    return sacrebleu, sacremoses
