"""One subword vocabulary of both languages."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError, MissingExtraError

PAD, START, END, UNKNOWN = 0, 1, 2, 3
SAMPLE = 1_000_000
"""Training sentences, drawn at random, from which subwords are learnt at most."""


class Subwords:
    """Byte-pair encoding learnt by SentencePiece; equal sentences give an equal vocabulary.

    Args:
        sentences: what it is learnt from.
        size: subwords, those for padding, start, end and unknown among them.

    Attributes:
        proto: the vocabulary as SentencePiece stores it.

    Raises:
        LotteryError: the sentences cannot give so many subwords.
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
        """Returns the subwords of each sentence, with the end behind."""
        pieces = self._model.encode(list(sentences), num_threads=1)
        return [np.array([*sentence, END], np.int32) for sentence in pieces]

    def decode(self, ids: NDArray[np.int32]) -> list[str]:
        """Returns sentences without what stands at and behind their end.

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
