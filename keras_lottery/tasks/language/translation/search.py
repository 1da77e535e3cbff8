"""Beam search in one compiled program, with an attention (key/value) cache."""

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from keras_lottery.backend.compile import compiled
from keras_lottery.tasks.language.translation.config import TranslationModel
from keras_lottery.tasks.language.translation.subwords import END, PAD, START

LEAST = -1e9


class BeamSearch:
    """Translates with a model whose weights may change between calls.

    The program is compiled once for one shape, `(sentences, length)`, and stops when every
    hypothesis has ended. A finished hypothesis keeps its place in the beam and its score; the
    hypotheses with the best `log P / ((5 + length) / 6)^α` are returned.

    Args:
        model: from `model.build`, masked or not.
        config: of the model; `beam`, `length_penalty` and `extra`.
        sentences: batch size.
        length: of the sources, in subwords.

    Reference: Vaswani et al. 2017 (1706.03762), section 6.1: beam 4, α = 0.6. The rest is ours.
    """

    def __init__(
        self, model: keras.Model, config: TranslationModel, sentences: int, length: int
    ) -> None:
        self._model = model
        self._config = config
        self._sentences = sentences
        self._length = length
        self._steps = length + config.extra
        self._run = compiled(self._search, model.variables)

    def __call__(self, sources: NDArray[np.int32]) -> NDArray[np.int32]:
        """Returns the subwords of the translations.

        Args:
            sources: `(any number, length)`.

        Returns:
            int32 `(any number, length + extra)`, with the end token, then padding.
        """
        translations = []
        for start in range(0, len(sources), self._sentences):
            part = sources[start : start + self._sentences]
            rows = np.resize(part, (self._sentences, self._length))  # fills a smaller last batch
            translations.append(ops.convert_to_numpy(self._run(rows))[: len(part)])
        return np.concatenate(translations)

    def _layer(self, name: str) -> Any:
        return self._model.get_layer(name)

    def _search(self, sources: Any) -> Any:
        beam, steps, batch = self._config.beam, self._steps, self._sentences
        encoded, is_source = self._encode(sources)
        encoded, is_source = (ops.repeat(x, beam, axis=0) for x in (encoded, is_source))
        tokens = ops.full((batch, beam, steps), PAD, dtype="int32")
        scores = ops.tile(
            ops.convert_to_tensor([[0.0] + [LEAST] * (beam - 1)], "float32"), (batch, 1)
        )
        last = ops.full((batch, beam), START, dtype="int32")
        ended = ops.zeros((batch, beam), dtype="bool")
        self_cache = self._empty(steps)
        cross = self._cross(encoded, is_source)

        def going(
            step: Any, tokens: Any, scores: Any, last: Any, ended: Any, self_cache: Any
        ) -> Any:
            return ops.logical_and(step < steps, ops.logical_not(ops.all(ended)))

        def one(step: Any, tokens: Any, scores: Any, last: Any, ended: Any, self_cache: Any) -> Any:
            logs, self_cache = self._next(step, last, self_cache, cross, encoded, is_source)
            return self._choose(step, logs, tokens, scores, ended, self_cache)

        state = (ops.convert_to_tensor(0, "int32"), tokens, scores, last, ended, self_cache)
        _, tokens, scores, _, _, _ = ops.while_loop(going, one, state)
        length = ops.cast(ops.sum(ops.not_equal(tokens, PAD), axis=-1), "float32")
        final = scores / ((5 + length) / 6) ** self._config.length_penalty
        best = ops.argmax(final, axis=-1)
        return ops.squeeze(ops.take_along_axis(tokens, best[:, None, None], axis=1), 1)

    def _encode(self, sources: Any) -> tuple[Any, Any]:
        is_source = ops.not_equal(sources, PAD)
        x = self._embed(sources, 0)
        for index in range(self._config.layers):
            x = self._layer(f"encoder_{index}")(x, padding_mask=is_source, training=False)
        return x, is_source

    def _embed(self, ids: Any, start: Any) -> Any:
        x = self._layer("embedding")(ids) * self._config.width**0.5
        return x + self._layer("position")(x, start_index=start)

    def _empty(self, steps: int) -> Any:
        config = self._config
        shape = (
            self._sentences * config.beam,
            config.layers,
            2,
            steps,
            config.heads,
            config.width // config.heads,
        )
        return ops.zeros(shape, dtype=self._model.compute_dtype)

    def _cross(self, encoded: Any, is_source: Any) -> list[Any]:
        """Returns the keys and values of the source for each layer, computed once."""
        config = self._config
        rows = ops.shape(encoded)[0]
        shape = (rows, 2, self._length, config.heads, config.width // config.heads)
        caches, empty = [], self._empty(self._steps)
        x = self._embed(ops.full((rows, 1), START, dtype="int32"), 0)
        for index in range(config.layers):
            x, _, cache = self._layer(f"decoder_{index}")(
                x,
                encoded,
                encoder_padding_mask=is_source,
                self_attention_cache=empty[:, index],
                self_attention_cache_update_index=0,
                cross_attention_cache=ops.zeros(shape, dtype=encoded.dtype),
                cross_attention_cache_update_index=0,
                training=False,
            )
            caches.append(cache)
        return caches

    def _next(
        self, step: Any, last: Any, self_cache: Any, cross: list[Any], encoded: Any, is_source: Any
    ) -> tuple[Any, Any]:
        """Returns log P of the next subword, `(sentences, beam, vocabulary)`, and the new cache."""
        x = self._embed(ops.reshape(last, (-1, 1)), step)
        kept = []
        for index in range(self._config.layers):
            x, cache, _ = self._layer(f"decoder_{index}")(
                x,
                encoded,
                encoder_padding_mask=is_source,
                self_attention_cache=self_cache[:, index],
                self_attention_cache_update_index=step,
                cross_attention_cache=cross[index],
                training=False,
            )
            kept.append(cache)
        logits = self._layer("embedding")(x, reverse=True)
        logs = ops.log_softmax(ops.cast(logits, "float32"), axis=-1)
        shape = (self._sentences, self._config.beam, ops.shape(logs)[-1])
        return ops.reshape(logs, shape), ops.stack(kept, axis=1)

    def _choose(
        self, step: Any, logs: Any, tokens: Any, scores: Any, ended: Any, self_cache: Any
    ) -> tuple[Any, ...]:
        """Keeps the best hypotheses of each sentence, one subword longer."""
        beam, batch = self._config.beam, self._sentences
        vocabulary = ops.shape(logs)[-1]
        only_pad = ops.full((vocabulary,), LEAST, dtype="float32")
        only_pad = ops.where(ops.arange(vocabulary) == PAD, 0.0, only_pad)
        never_pad = ops.where(ops.arange(vocabulary) == PAD, LEAST, 0.0)
        logs = ops.where(ended[:, :, None], only_pad, logs + never_pad)
        total = ops.reshape(scores[:, :, None] + logs, (batch, beam * vocabulary))
        scores, index = ops.top_k(total, beam)
        index = ops.cast(index, "int32")
        parent, word = index // vocabulary, index % vocabulary
        tokens = ops.take_along_axis(tokens, parent[:, :, None], axis=1)
        here = ops.arange(self._steps) == step
        tokens = ops.where(here, word[:, :, None], tokens)
        ended = ops.logical_or(ops.take_along_axis(ended, parent, axis=1), ops.equal(word, END))
        rows = ops.reshape(parent + beam * ops.arange(batch)[:, None], (-1,))
        return step + 1, tokens, scores, word, ended, ops.take(self_cache, rows, axis=0)
