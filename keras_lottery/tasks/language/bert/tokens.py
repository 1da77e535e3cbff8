"""Texts as padded arrays of token ids."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.training.data import Arrays

Inputs = dict[str, NDArray[np.int32]]
"""`token_ids`, `segment_ids` and `padding_mask`, each `(examples, max_len)`."""

Tokens = list[int]

_BATCH = 1000


@dataclass(frozen=True)
class Encoder:
    """Turns texts into BERT's inputs: `[CLS] first [SEP] second [SEP]`, cut and padded.

    Args:
        tokenizer: KerasHub's.
        vocabulary_size: rows of the network's embedding.
        max_len: tokens per sequence.
    """

    tokenizer: Any
    vocabulary_size: int
    max_len: int

    @property
    def special(self) -> list[int]:
        """Ids of the special tokens."""
        tokenizer = self.tokenizer
        special = (tokenizer.pad_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id)
        unknown = tokenizer.token_to_id(tokenizer.oov_token)
        return [*special, tokenizer.mask_token_id, unknown]

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """Returns the token ids of each text, without special ones.

        Raises:
            LotteryError: the network's embedding has no row for a token.
        """
        sequences: list[Tokens] = []
        for at in range(0, len(texts), _BATCH):
            rows = self.tokenizer(list(texts[at : at + _BATCH]))
            sequences += [[int(token) for token in row] for row in _lists(rows)]
        self._check(max((max(row) for row in sequences if row), default=0))
        return sequences

    def sequences(self, first: Sequence[Tokens], second: Sequence[Tokens] = ()) -> Inputs:
        """Returns sequences of texts or pairs; the longer text of a pair is cut first."""
        shape = (len(first), self.max_len)
        ids = np.full(shape, self.tokenizer.pad_token_id, np.int32)
        segments, mask = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        start, end = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        for row in range(len(first)):
            head, tail = self._cut(first[row], second[row] if second else None)
            left = [start, *head, end]
            tokens = left if tail is None else [*left, *tail, end]
            ids[row, : len(tokens)] = tokens
            segments[row, len(left) : len(tokens)] = 1
            mask[row, : len(tokens)] = 1
        self._check(int(ids.max(initial=0)))
        return {"token_ids": ids, "segment_ids": segments, "padding_mask": mask}

    def _cut(self, head: Tokens, tail: Tokens | None) -> tuple[Tokens, Tokens | None]:
        if tail is None:
            return head[: self.max_len - 2], None
        room = self.max_len - 3
        kept = min(len(tail), max(room - len(head), room // 2))
        return head[: room - kept], tail[:kept]

    def _check(self, largest: int) -> None:
        if largest >= self.vocabulary_size:
            token = self.tokenizer.id_to_token(largest)
            raise LotteryError(
                f"Expected token ids below {self.vocabulary_size}, the network's vocabulary. "
                f"Received: {largest} ({token!r}). Take the vocab.txt that belongs to the weights."
            )


def by_length(arrays: Arrays, lengths: Sequence[int]) -> list[Arrays]:
    """Returns the examples of each length, padded to it.

    Args:
        arrays: padded sequences and their labels.
        lengths: rising numbers of tokens; sequences that are longer stay padded as they are.
    """
    x, y = arrays
    place = np.searchsorted(lengths, x["padding_mask"].sum(axis=1))
    parts: list[Arrays] = []
    for index, length in enumerate((*lengths, None)):
        rows = np.flatnonzero(place == index)
        if len(rows):
            parts.append(({name: array[rows, :length] for name, array in x.items()}, y[rows]))
    return parts


def _lists(rows: Any) -> Any:
    """Returns the tokenizer's output as lists, on any backend."""
    return rows.to_list() if hasattr(rows, "to_list") else rows
