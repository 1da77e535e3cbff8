"""A subword vocabulary for both languages."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, MissingExtraError

PAD, START, END, UNKNOWN = 0, 1, 2, 3
SAMPLE = 1_000_000
"""Maximum number of training sentences, sampled at random, to learn subwords from."""


class Subwords:
    """Byte-pair encoding learned by SentencePiece; equal sentences give equal vocabularies.

    Args:
        sentences: training sentences.
        size: number of subwords, including padding, start, end and unknown.

    Attributes:
        proto: the serialized SentencePiece model.

    Raises:
        LotteryError: the sentences have too few different subwords.
        MissingExtraError: SentencePiece is not installed.
    """

    def __init__(self, sentences: Sequence[str], size: int) -> None:
        sentencepiece = _sentencepiece()
        model = io.BytesIO()
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=iter(sentences),
                model_writer=model,
                model_type="bpe",
                vocab_size=size,
                input_sentence_size=SAMPLE,
                num_threads=1,
                character_coverage=1.0,
                pad_id=PAD,
                bos_id=START,
                eos_id=END,
                unk_id=UNKNOWN,
                minloglevel=2,
            )
        except RuntimeError as error:
            raise LotteryError(
                f"Expected sentences with enough different parts for {size} subwords. "
                f"Received: {len(sentences)} sentences ({' '.join(str(error).split())[-120:]}). "
                "Choose a smaller data.vocabulary, or give more text."
            ) from error
        self.size = size
        self.proto = model.getvalue()
        self._model = sentencepiece.SentencePieceProcessor(model_proto=self.proto)

    def encode(self, sentences: Sequence[str]) -> list[NDArray[np.int32]]:
        """Returns the subwords of each sentence, followed by the end token."""
        pieces = self._model.encode(list(sentences), num_threads=1)
        return [np.array([*sentence, END], np.int32) for sentence in pieces]

    def decode(self, ids: NDArray[np.int32]) -> list[str]:
        """Returns sentences up to their end token.

        Args:
            ids: `(sentences, length)`.
        """
        kept = [[int(i) for i in row[: _end(row)] if i not in (PAD, START)] for row in ids]
        return list(self._model.decode(kept))


def _end(row: NDArray[np.int32]) -> int:
    ends = np.flatnonzero(row == END)
    return int(ends[0]) if len(ends) else len(row)


def _sentencepiece() -> Any:
    try:
        import sentencepiece
    except ImportError as error:
        raise MissingExtraError("sentencepiece", "nlp") from error
    return sentencepiece
