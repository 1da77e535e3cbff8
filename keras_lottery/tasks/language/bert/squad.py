"""SQuAD: questions whose answer is a span of a context, with F1 and exact match."""

import json
import re
import string
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.bert.config import BertData
from keras_lottery.tasks.language.bert.metrics import KnownAccuracy
from keras_lottery.tasks.language.bert.problem import Examples, Kind, chosen, find_file, held_out
from keras_lottery.tasks.language.bert.tokens import Encoder, Inputs, Tokens
from keras_lottery.tasks.language.text import read_lines
from keras_lottery.training import ArrayData

MOST_OF_QUESTION = 64
"""Maximum tokens of a question (Devlin et al. 2019)."""
MOST_OF_ANSWER = 30
"""Maximum tokens of an answer (Devlin et al. 2019)."""


@dataclass(frozen=True)
class Question:
    """A question and its answers.

    Args:
        text: of the question.
        context: the text that contains the answer.
        answers: all reference answers.
        start: first character of the first one in the context.
    """

    text: str
    context: str
    answers: tuple[str, ...]
    start: int


@dataclass(frozen=True)
class Window:
    """A question over a part of its context.

    Args:
        question: its number.
        first: position of the part's first token in the sequence.
        places: first and last character (exclusive) of each of the part's tokens in the context.
    """

    question: int
    first: int
    places: tuple[tuple[int, int], ...]


def read_questions(path: Path) -> list[Question]:
    """Reads a file of SQuAD v1.1, plain or gzipped.

    Raises:
        LotteryError: the file has another format, or no questions.
    """
    try:
        articles = json.loads("\n".join(read_lines(path)))["data"]
        questions = [
            _question(qa, paragraph["context"])
            for article in articles
            for paragraph in article["paragraphs"]
            for qa in paragraph["qas"]
        ]
    except LotteryError:
        raise
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise LotteryError(
            f"Expected questions with answers as SQuAD v1.1 has them in {path}. Received: "
            f"{type(error).__name__} ({error}). Give its own train-v1.1.json or dev-v1.1.json."
        ) from error
    if not questions:
        raise LotteryError(f"Expected questions in {path}. Received: none. Check the file.")
    return questions


def _question(entry: Any, context: Any) -> Question:
    """Returns a question of the file.

    Raises:
        LookupError, TypeError, ValueError: it has another format, or its answer is elsewhere.
    """
    answers = tuple(answer["text"] for answer in entry["answers"])
    question = Question(entry["question"], context, answers, entry["answers"][0]["answer_start"])
    if not all(isinstance(text, str) for text in (question.text, context, *answers)):
        raise TypeError("a question, a context or an answer that isn't text")
    if not isinstance(question.start, int) or question.start < 0:
        raise TypeError(f"the answer_start {question.start!r}")
    if not context.startswith(answers[0], question.start):
        raise ValueError(
            f"the answer {answers[0]!r}, which isn't at {question.start} of its context"
        )
    return question


def windows(
    questions: Sequence[Question], encoder: Encoder, stride: int
) -> tuple[Inputs, NDArray[np.int32], list[Window]]:
    """Returns every question with overlapping windows of its context.

    Args:
        questions: the questions.
        encoder: encodes the sequences.
        stride: tokens between the starts of two windows.

    Returns:
        The inputs; first and last position of the answer `(windows, 2)`, 0 and 0 (`[CLS]`) if
        the window doesn't contain all of it; the windows.
    """
    asked = encoder.tokenize([question.text for question in questions])
    first: list[Tokens] = []
    second: list[Tokens] = []
    answers: list[tuple[int, int]] = []
    cut: list[Window] = []
    for number, question in enumerate(questions):
        tokens, places = _placed(question.context, encoder)
        start = asked[number][: min(MOST_OF_QUESTION, (encoder.max_len - 3) // 2)]
        room = encoder.max_len - 3 - len(start)
        span = _answer(question, places)
        for at in _begins(len(tokens), room, min(stride, room)):
            window = Window(number, len(start) + 2, tuple(places[at : at + room]))
            first.append(start)
            second.append(tokens[at : at + room])
            inside = at <= span[0] <= span[1] < at + room
            shift = window.first - at
            answers.append((span[0] + shift, span[1] + shift) if inside else (0, 0))
            cut.append(window)
    return encoder.sequences(first, second), np.array(answers, np.int32), cut


def _placed(context: str, encoder: Encoder) -> tuple[Tokens, list[tuple[int, int]]]:
    """Returns the tokens of a context, and the character span of each."""
    pieces = list(re.finditer(r"\w+|[^\w\s]", context))
    tokens: Tokens = []
    places: list[tuple[int, int]] = []
    for piece, ids in zip(pieces, encoder.tokenize([piece.group() for piece in pieces])):
        tokens += ids
        places += [piece.span()] * len(ids)
    return tokens, places


def _answer(question: Question, places: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """Returns the first and the last token of the first answer; -1 and -1 if there is none."""
    start, end = question.start, question.start + len(question.answers[0])
    inside = [i for i, (begin, finish) in enumerate(places) if begin < end and finish > start]
    return (inside[0], inside[-1]) if inside else (-1, -1)


def _begins(count: int, room: int, stride: int) -> Iterator[int]:
    at = 0
    yield at
    while at + room < count:
        at += stride
        yield at


def spoken(
    logits: NDArray[np.float32], cut: Sequence[Window], questions: Sequence[Question]
) -> list[str]:
    """Returns the answer to each question: the best span of all of its windows.

    Args:
        logits: of first and last positions `(windows, 2, max_len)`.
        cut: the windows.
        questions: the questions.
    """
    best = [(-np.inf, "")] * len(questions)
    for window, (starts, ends) in zip(cut, logits):
        part = slice(window.first, window.first + len(window.places))
        scores = starts[part, None] + ends[None, part]
        allowed = np.triu(np.ones_like(scores, bool)) & ~np.triu(
            np.ones_like(scores, bool), MOST_OF_ANSWER
        )
        if not allowed.any():
            continue
        scores = np.where(allowed, scores, -np.inf)
        begin, finish = np.unravel_index(scores.argmax(), scores.shape)
        if scores[begin, finish] > best[window.question][0]:
            context = questions[window.question].context
            text = context[window.places[begin][0] : window.places[finish][1]]
            best[window.question] = (float(scores[begin, finish]), text)
    return [text for _, text in best]


def scores(answers: Sequence[str], questions: Sequence[Question]) -> dict[str, float]:
    """Returns F1 over words and exact match, averaged over questions, for the best answer of each.

    Reference: Rajpurkar et al. 2016, arXiv 1606.05250, section 6.1.
    """
    pairs = [(answer, question.answers) for answer, question in zip(answers, questions)]
    f1 = [max(_f1(answer, right) for right in known) for answer, known in pairs]
    exact = [max(plain(answer) == plain(right) for right in known) for answer, known in pairs]
    return {"f1": float(np.mean(f1)), "exact": float(np.mean(exact))}


def plain(text: str) -> str:
    """Returns a text in lower case, without punctuation, articles and extra spaces."""
    kept = "".join(c for c in text.lower() if c not in string.punctuation)
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", kept).split())


def _f1(answer: str, right: str) -> float:
    predicted, expected = plain(answer).split(), plain(right).split()
    shared = sum((Counter(predicted) & Counter(expected)).values())
    return 2 * shared / (len(predicted) + len(expected)) if shared else 0.0


def read(data: BertData, encoder: Encoder) -> Examples:
    """Reads both files and cuts the contexts into windows.

    Raises:
        LotteryError: a file is missing, or isn't in the format of SQuAD v1.1.
    """
    train = find_file(data, data.train, ("train-v1.1.json", "train.json"), "data.train")
    test = find_file(data, data.test, ("dev-v1.1.json", "dev.json"), "data.test")
    asked, tested = read_questions(train), read_questions(test)
    used, _ = held_out(len(asked), data)
    measured = chosen(len(tested), data.test_size, data.split_seed)
    x, y, _ = windows([asked[i] for i in used], encoder, data.stride)
    questions = [tested[i] for i in measured]
    x_test, y_test, test_windows = windows(questions, encoder, data.stride)

    def judge(logits: Any) -> dict[str, float]:
        return scores(spoken(logits, test_windows, questions), questions)

    arrays = ArrayData(train=(x, y), validation=None, test=(x_test, y_test))
    return Examples(arrays, outputs=2, judge=judge)


def build(backbone: keras.Model, outputs: int, dropout: float) -> keras.Model:
    """Returns the backbone with a dense layer that gives each position two logits.

    The pooler is part of the network, so that masks can be exchanged, but gets no gradient.
    """
    backbone.pooled_dense.trainable = False
    x = backbone(backbone.input)["sequence_output"]
    x = keras.layers.Dropout(dropout)(x)
    initializer = keras.initializers.TruncatedNormal(stddev=0.02)
    x = keras.layers.Dense(outputs, kernel_initializer=initializer, name="logits")(x)
    return keras.Model(backbone.input, keras.layers.Permute((2, 1))(x))


def loss() -> keras.losses.Loss:
    """Returns the mean cross-entropy of the answer's first and last position."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def metrics(outputs: int) -> list[keras.metrics.Metric]:
    """Returns the accuracy of first and last positions, by window."""
    return [KnownAccuracy("positions")]


SPAN = Kind(read, build, loss, metrics)
