"""Questions on a context: windows over it, spans as answers, the scores of SQuAD v1.1."""

import json

import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery.config import freeze, presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from keras_lottery.types import Start, Training

pytest.importorskip("keras_hub")
from keras_lottery.tasks.language.bert import squad
from keras_lottery.tasks.language.bert.task import BertTask
from keras_lottery.tasks.language.bert.tokens import Encoder

from . import made

CONTEXT = "The Film was good and it was warm."


def question(answer, start=None, context=CONTEXT, text="was it"):
    start = context.index(answer) if start is None else start
    return squad.Question(text, context, (answer,), start)


def one_question(context="a b", start=2):
    """The text of a file with one question, whose answer is `b`."""
    asked = {"question": "a?", "answers": [{"text": "b", "answer_start": start}]}
    return json.dumps({"data": [{"paragraphs": [{"context": context, "qas": [asked]}]}]})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = made.data(tmp_path_factory.mktemp("data"))
    made.write_questions(folder / "squad/train-v1.1.json", 96)
    made.write_questions(folder / "squad/dev-v1.1.json", 24, seed=1)
    return folder


def task(folder, **changed):
    fields = made.fields(folder, data__name="squad", data__max_len=12, data__stride=3, **changed)
    return BertTask(freeze(presets.load("chen2020/bert:minilm_glue", fields)))


def encoder(folder, max_len):
    return Encoder(task(folder).pretrained.tokenizer, len(made.WORDS), max_len)


def test_windows_overlap_and_mark_the_answer_where_they_hold_it(folder):
    asked = [question("good and")]
    x, y, found = squad.windows(asked, encoder(folder, 10), stride=3)
    parts = [[CONTEXT[one:other] for one, other in window.places] for window in found]
    assert parts[0] == ["The", "Film", "was", "good", "and"]
    assert parts[1] == ["good", "and", "it", "was", "warm"]
    assert parts[2] == ["was", "warm", "."]
    assert y.tolist() == [[7, 8], [4, 5], [0, 0]]
    for window, row, (one, other) in zip(found[:2], x["token_ids"], y):
        assert [made.WORDS[t] for t in row[one : other + 1]] == ["good", "and"]
        assert row[window.first - 1] == made.WORDS.index("[SEP]")


def test_the_answer_is_the_best_span_of_all_windows(folder):
    asked = [question("warm"), question("Film")]
    _, y, found = squad.windows(asked, encoder(folder, 10), stride=3)
    logits = np.zeros((len(found), 2, 10), np.float32)
    for row, (one, other) in enumerate(y):
        logits[row, 0, one] = logits[row, 1, other] = 9 * (one > 0)
    logits[0, 0, 9] = logits[0, 1, 0] = 99  # outside of the context
    assert squad.spoken(logits, found, asked) == ["warm", "Film"]
    assert squad.scores(["warm", "the film"], asked) == {"f1": 1.0, "exact": 1.0}


def test_scores_are_over_words_in_plain_form():
    asked = [question("good and", start=13)]
    assert squad.scores(["Good!"], asked) == {"f1": pytest.approx(2 / 3), "exact": 0.0}
    assert squad.scores([""], asked) == {"f1": 0.0, "exact": 0.0}
    several = [squad.Question("q", CONTEXT, ("dull", "the warm."), 0)]
    assert squad.scores(["WARM"], several) == {"f1": 1.0, "exact": 1.0}


@pytest.mark.backend
def test_it_learns_to_point(folder):
    one = task(folder, train__length="150it", train__eval_every=50)
    outcome = one.fit(
        Training("", "bert", 0, 0, "dense"), Start(one.start_weights(0)), NoProgress()
    )
    assert one.metric == "f1" and outcome.final_value > 0.8
    assert outcome.metrics["test_exact"] > 0.8 and outcome.metrics["test_positions"] > 0.8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "SQuAD v1.1 has them in .*JSONDecodeError"),
        ('{"data": [{"paragraphs": [{"context": "a", "qas": [{}]}]}]}', "KeyError"),
        ('{"data": []}', "Expected questions in"),
        ("[" * 100_000, "SQuAD v1.1 has them in .*RecursionError"),
        (one_question(start="4"), "TypeError .the answer_start '4'"),
        (one_question(context=7), "TypeError .a question, a context or an answer that isn't text"),
        (one_question(start=5), "ValueError .the answer 'b', which isn't at 5 of its context"),
    ],
)
def test_files_that_are_no_squad_are_named(folder, text, message):
    (folder / "squad/bad.json").write_text(text)
    with pytest.raises(LotteryError, match=message):
        task(folder, data__train="bad.json").arrays()


def test_nothing_is_held_out(folder):
    with pytest.raises(LotteryError, match="validation_size: expected 0"):
        task(folder, data__validation_size=2)
