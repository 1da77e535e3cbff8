"""The encoder's ticket of every kind of problem is taken by every other kind."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery.arms import starts
from keras_lottery.config import freeze, presets
from keras_lottery.types import Start, Training

pytest.importorskip("keras_hub")
from keras_lottery.tasks.language.bert.task import BertTask

from . import made

LENGTHS = {"sst2": 10, "stsb": 10, "mlm": 10, "squad": 12}


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    folder = made.data(tmp_path_factory.mktemp("data"))
    made.write_text(folder)
    pairs = [(one, other, 2.5) for one, other in zip(made.GOOD, made.BAD)]
    for name, seed in (("train", 0), ("dev", 1)):
        made.write_tsv(folder / f"stsb/{name}.tsv", ("sentence1", "sentence2", "score"), pairs * 4)
        made.write_questions(folder / f"squad/{name}.json", 24, seed)
    return {name: task(folder, name, length) for name, length in LENGTHS.items()}


def task(folder, name, length):
    stride = {"data__stride": 3} if name == "squad" else {}
    fields = made.fields(folder, data__name=name, data__max_len=length, **stride)
    return BertTask(freeze(presets.load("chen2020/bert:minilm_glue", fields)))


@pytest.mark.parametrize(("source", "target"), permutations(LENGTHS, 2))
def test_the_encoder_is_the_sources_and_the_head_the_targets(tasks, source, target):
    weights = {path: w + 1 for path, w in tasks[source].start_weights(0).items()}
    masks = {v.path: np.ones(v.shape, bool) for v in tasks[source].variables() if v.prunable}
    run = SimpleNamespace(task=tasks[target], source_start_of=lambda _: Start(weights, masks))
    start = starts.transferred(Training(source, "bert", 0, 1, "winning"), run)
    own = tasks[target].start_weights(0)
    assert start.masks.keys() == masks.keys()
    assert start.weights.keys() == own.keys()
    taken = {path for path, value in start.weights.items() if (value != own[path]).any()}
    assert taken == {path for path in own if "/bert_backbone/" in path}
