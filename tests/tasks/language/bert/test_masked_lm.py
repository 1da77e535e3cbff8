"""Masked language modeling: masked words, labels, and masks that transfer to other tasks."""

import keras
import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import report, studies
from keras_lottery.config import freeze, presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_results
from keras_lottery.types import Start, Training

pytest.importorskip("keras_hub")
from keras_lottery.tasks.language.bert import masked_lm
from keras_lottery.tasks.language.bert.task import BertTask

from . import made

POOLER = "layers/bert_backbone/layers/dense/kernel"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = made.data(tmp_path_factory.mktemp("data"))
    made.write_text(folder)
    return folder


def task(folder, **changed):
    fields = made.fields(folder, data__name="mlm", **changed)
    return BertTask(freeze(presets.load("chen2020/bert:minilm_glue", fields)))


def test_the_text_fills_the_sequences_and_words_alone_are_hidden(folder):
    x, y = task(folder, data__mask_rate=0.4).arrays().train
    assert len(y) == 60 * 6 // 8 and (x["padding_mask"] == 1).all()
    special = [made.WORDS.index(word) for word in made.SPECIAL]
    asked = y[y != masked_lm.NOTHING]
    assert not np.isin(asked, special).any()
    counts = (y != masked_lm.NOTHING).sum(axis=1)
    assert set(counts.tolist()) == {2, 3} and y.shape[1] == 4
    assert (x["mask_positions"][y != masked_lm.NOTHING] > 0).all()
    hidden = np.take_along_axis(x["token_ids"], x["mask_positions"], 1)[y != masked_lm.NOTHING]
    assert (hidden == made.WORDS.index("[MASK]")).mean() == pytest.approx(0.8, abs=0.1)
    assert (hidden == asked).mean() == pytest.approx(0.1, abs=0.1)
    assert (x["token_ids"] == made.WORDS.index("[UNK]")).any()


def test_hidden_words_are_the_same_in_every_process(folder):
    one, other = (task(folder).arrays().train for _ in "ab")
    assert (one[0]["token_ids"] == other[0]["token_ids"]).all()


def test_a_text_shorter_than_a_sequence_is_an_error(folder):
    (folder / "mlm/short.txt").write_text("the film was")
    with pytest.raises(LotteryError, match=r"at least 8 tokens in .*short\.txt.*Received: 3"):
        task(folder, data__train="short.txt").arrays()


@pytest.mark.backend
def test_it_learns_and_the_pooler_is_pruned_at_its_pretrained_weights(folder):
    one = task(folder, train__length="200it", train__eval_every=50, data__max_len=8)
    start = one.start_weights(0)
    outcome = one.fit(Training("", "bert", 0, 0, "dense"), Start(start), NoProgress())
    assert outcome.final_value > 0.5  # four of five stand where they always stand
    assert set(outcome.history[-1]) == {"step", "loss", "accuracy"}
    assert POOLER in {v.path for v in one.variables() if v.prunable}
    assert (outcome.weights[POOLER] == start[POOLER]).all()
    x, y = one.arrays().test
    logits = keras.ops.convert_to_numpy(one.export_model(outcome.weights)(x))
    right = (logits.argmax(axis=-1) == y)[y != masked_lm.NOTHING].mean()
    assert right == pytest.approx(outcome.final_value)


@pytest.mark.backend
def test_the_loss_of_a_batch_is_the_mean_of_its_halves_however_many_words_they_hide():
    y = np.array([[1, 2], [0, 2], [1, masked_lm.NOTHING], [masked_lm.NOTHING] * 2])
    logits = np.random.default_rng(0).normal(size=(4, 2, 3)).astype("float32")
    whole, *halves = (float(masked_lm.loss()(y[s], logits[s])) for s in np.s_[:, :2, 2:])
    assert whole == pytest.approx(np.mean(halves))
    right = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, y[..., None] % 3, 2)[..., 0]
    assert whole == pytest.approx(right[y != masked_lm.NOTHING].sum() / y.size, rel=1e-5)


@pytest.mark.backend
def test_a_trained_head_predicts_words_and_nothing_else_has_moved(folder):
    changed = {"model__head_length": "60it", "model__head_learning_rate": 0.05}
    plain, one, again = (task(folder, **c) for c in ({}, changed, changed))
    untrained, trained = plain.start_weights(0), one.start_weights(0)
    moved = {path for path, w in trained.items() if (w != untrained[path]).any()}
    assert moved and not any("bert_backbone" in path for path in moved)
    assert moved == {path for path in trained if "bert_backbone" not in path}
    judged = [t.evaluate(Start(w)) for t, w in ((plain, untrained), (one, trained))]
    assert judged[1]["loss"] < 0.8 * judged[0]["loss"]
    assert all((w == trained[path]).all() for path, w in again.start_weights(0).items())
    assert any((w != trained[path]).any() for path, w in one.start_weights(1).items())
    assert (one.fresh_weights(0)[next(iter(moved))] == untrained[next(iter(moved))]).all()


def test_a_learning_rate_of_a_head_that_is_not_trained_is_an_error(folder):
    with pytest.raises(LotteryError, match=r"model\.head_learning_rate.*head_length is '0it'"):
        task(folder, model__head_learning_rate=0.05)


def test_the_loss_does_not_depend_on_the_pooler(folder):
    one = task(folder)
    found = one.derived("gradient", one.start_weights(0), {}, seed=0)
    assert found.keys() == {v.path for v in one.variables() if v.prunable}
    assert {path for path, value in found.items() if not value.any()} == {POOLER}


def test_its_mask_transfers_to_a_task_with_another_head(folder, tmp_path):
    fields = made.fields(folder, out=str(tmp_path), train__length="8it", prune__rounds=1)
    fields |= {"options.sources": ("mlm",), "options.targets": ("sst2",)}
    fields |= {"arms": ("winning", "random_mask"), "seeds": (0,)}
    run = studies.run(freeze(presets.load("chen2020/bert:minilm_transfer", fields)))
    rows = read_results(run / "sst2.csv")
    assert {(row.source, row.arm) for row in rows} == {
        ("", "dense"), ("", "winning"), ("", "random_mask"), ("mlm", "winning"),
    }  # fmt: skip
    assert len({row.kept for row in rows if row.arm != "dense"}) == 1
    files = report.build(run)
    assert "`winning from mlm`" in files.headline[0] and "`random_mask`" in files.headline[0]
    assert "matrix.png" in {figure.name for figure in files.figures}
