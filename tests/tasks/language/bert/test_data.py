"""Reading texts: files, columns, labels, truncation and masks; errors in one line."""

import sys
import tempfile

import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery.config import freeze, presets
from keras_lottery.errors import LotteryError, MissingExtraError

pytest.importorskip("keras_hub")
from keras_lottery.tasks.language.bert import pretrained
from keras_lottery.tasks.language.bert.task import BertTask
from keras_lottery.tasks.language.bert.tokens import Encoder

from . import made


@pytest.fixture
def folder(tmp_path):
    return made.data(tmp_path)


def task(folder, **changed):
    return BertTask(
        freeze(presets.load("chen2020/bert:minilm_glue", made.fields(folder, **changed)))
    )


def encoder(folder, max_len=10):
    tokenizer = pretrained.load("tiny", str(folder)).tokenizer
    return Encoder(tokenizer, len(made.WORDS), max_len)


def words(row):
    return [made.WORDS[token] for token in row]


def test_a_sentence_is_lowercased_framed_and_padded(folder):
    one = encoder(folder, 8)
    x = one.sequences(one.tokenize(["The films was strange."]))
    assert words(x["token_ids"][0]) == ["[CLS]", "the", "film", "##s", "was", "[UNK]", ".", "[SEP]"]
    x = one.sequences(one.tokenize(["Good .", ""]))
    assert words(x["token_ids"][0]) == ["[CLS]", "good", ".", "[SEP]"] + 4 * ["[PAD]"]
    assert x["padding_mask"].sum(axis=1).tolist() == [4, 2]
    assert all(array.dtype == np.int32 and array.shape == (2, 8) for array in x.values())


@pytest.mark.parametrize(
    ("lengths", "kept"),
    [((2, 2), (2, 2)), ((9, 2), (5, 2)), ((2, 9), (2, 5)), ((9, 9), (4, 3)), ((5, 3), (4, 3))],
)
def test_of_a_pair_the_longer_one_is_cut(folder, lengths, kept):
    one = encoder(folder)
    first, second = [[made.WORDS.index("good")] * lengths[0]], [[5] * lengths[1]]
    x = one.sequences(first, second)
    segments = x["segment_ids"][0]
    assert x["padding_mask"][0].sum() == sum(kept) + 3
    assert segments.sum() == kept[1] + 1
    assert (x["token_ids"][0] == one.tokenizer.sep_token_id).sum() == 2


def test_batches_have_sentences_of_one_length(folder):
    short = [(f"good {word} .", 1) for word in made.GOOD * 3]  # 5 tokens; the others have 7
    made.write_tsv(folder / "sst2/train.tsv", ("sentence", "label"), [*made.sentences(20), *short])
    whole = task(folder).arrays()
    one = task(folder, data__lengths=(5, 8), train__batch_size=4)
    found, order = one.arrays(), one.arrays().batches(one.config.train, seed=1)
    assert [part[1].shape for part in found.parts] == [(12,), (20,)]
    assert [part[0]["token_ids"].shape for part in found.parts] == [(12, 5), (20, 8)]
    assert (found.test[0]["token_ids"] == whole.test[0]["token_ids"]).all()
    assert order.steps_per_epoch == 3 + 5 == one.steps("1ep")
    texts = {tuple(words(row)[:5]) for row in found.parts[0][0]["token_ids"]}
    assert texts == {("[CLS]", "good", word, ".", "[SEP]") for word in made.GOOD}
    cut = task(folder, data__lengths=(4,)).arrays()
    assert [part[0]["token_ids"].shape for part in cut.parts] == [(32, 10)]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data__lengths": (8, 8)}, r"rising numbers of tokens above 2 and below max_len, 10"),
        ({"data__lengths": (10,)}, r"Received: \(10,\)"),
        ({"data__lengths": (8,), "data__name": "mlm"}, r"data\.lengths.*name is 'mlm'"),
        ({"data__lengths": (8,), "train__drop_remainder": False}, r"drop_remainder.*data\.lengths"),
    ],
)
def test_lengths_that_have_no_use_are_errors(folder, changed, message):
    with pytest.raises(LotteryError, match=message):
        task(folder, **changed)


def test_pairs_with_class_names(folder):
    rows = [(i, "a film was good", "it was good", "entailment") for i in range(6)]
    rows += [(6, "it was dull", "it was bright", "not_entailment")]
    header = ("index", "sentence1", "sentence2", "label")
    for split in ("train", "dev"):
        made.write_tsv(folder / f"rte/{split}.tsv", header, rows)
    x, y = task(folder, data__name="rte", data__max_len=12).arrays().train
    assert y.tolist() == [0] * 6 + [1]
    assert words(x["token_ids"][0][:6]) == ["[CLS]", "a", "film", "was", "good", "[SEP]"]
    assert x["segment_ids"][0].tolist() == [0] * 6 + [1] * 4 + [0] * 2
    single = ("index", "sentence", "label")
    made.write_tsv(folder / "rte/dev.tsv", single, [(row[0], row[1], row[3]) for row in rows])
    with pytest.raises(LotteryError, match=r"pairs of sentences in both files.*rte/dev\.tsv"):
        task(folder, data__name="rte", data__max_len=12).arrays()


def test_colas_own_file_has_no_header(folder):
    rows = [("gj04", y, "*", f"the film was {word} .") for word, y in (("good", 1), ("bad", 0))]
    for split in ("train", "dev"):
        made.write_tsv(folder / f"cola/{split}.tsv", rows[0], rows[1:] * 4)
    one = task(folder, data__name="cola", train__batch_size=2)
    x, y = one.arrays().train
    assert y.tolist() == [1, 0, 0, 0, 0] and one.metric == "matthews"
    assert words(x["token_ids"][0][:3]) == ["[CLS]", "the", "film"]


def test_similarities_are_numbers_judged_by_their_correlation(folder):
    header = ("sentence1", "sentence2", "score")
    rows = [("good film", "fine film", 4.5), ("good", "bad", 0.5), ("a", "the", 2.25)]
    for split in ("train", "dev"):
        made.write_tsv(folder / f"stsb/{split}.tsv", header, rows * 4)
    one = task(folder, data__name="stsb", train__length="2it")
    assert one.arrays().train[1].tolist()[:3] == [4.5, 0.5, 2.25]
    assert one.build().output.shape == (None, 1)
    assert [m.name for m in one.metrics()] == [one.metric] == ["pearson"]


def test_parts_share_no_example_and_stay_the_same(folder):
    texts = [f"{made.WORDS[5 + i // 9]} {made.WORDS[5 + i % 9]}" for i in range(72)]
    rows = [(text, i % 2) for i, text in enumerate(texts)]
    made.write_tsv(folder / "sst2/train.tsv", ("sentence", "label"), rows)
    sizes = {"data__train_size": 40, "data__validation_size": 16, "data__test_size": 8}
    one, other = (task(folder, **sizes).arrays() for _ in "ab")
    assert [len(split[1]) for split in (one.train, one.validation, one.test)] == [40, 16, 8]
    seen = {tuple(row) for split in (one.train, one.validation) for row in split[0]["token_ids"]}
    assert len(seen) == 56
    assert (one.train[0]["token_ids"] == other.train[0]["token_ids"]).all()
    with pytest.raises(LotteryError, match="at least 80 training examples"):
        task(folder, data__train_size=70, data__validation_size=10).arrays()
    with pytest.raises(LotteryError, match="at least 99 examples"):
        task(folder, data__test_size=99).arrays()


@pytest.mark.filterwarnings("ignore")
def test_prepared_glue_is_read(folder, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(folder))  # tensorflow-datasets leaves some there
    tf = pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    text, label = tfds.features.Text(), tfds.features.ClassLabel(names=["negative", "positive"])
    rows = tf.data.Dataset.from_tensor_slices(
        {"sentence": ["it was good .", "it was bad ."], "label": [1, 0]}
    )
    tfds.dataset_builders.store_as_tfds_dataset(
        name="sst2",
        version="2.0.0",
        data_dir=folder / "tfds/glue",
        features=tfds.features.FeaturesDict({"sentence": text, "label": label}),
        split_datasets={"train": rows.repeat(4), "validation": rows.repeat(1)},
    )
    changed = {"data__source": "tfds", "data__dir": str(folder / "tfds")}
    one = task(folder, model__preset=str(folder / "tiny"), **changed)
    assert sorted(one.arrays().train[1].tolist()) == [0] * 4 + [1] * 4
    x, y = one.arrays().test
    assert {tuple(words(row[:4])): label for row, label in zip(x["token_ids"], y)} == {
        ("[CLS]", "it", "was", "good"): 1,
        ("[CLS]", "it", "was", "bad"): 0,
    }


def test_a_few_truncated_rows_of_quora_are_skipped(folder):
    rows = [("it was good", "fine", 1), ("a \r bare return", "dull", 0)] * 60 + [("cut short",)]
    header = ("question1", "question2", "is_duplicate")
    made.write_tsv(folder / "qqp/train.tsv", header, rows)
    made.write_tsv(folder / "qqp/dev.tsv", header, rows[:2])
    with pytest.warns(
        UserWarning, match=r"truncated rows of .*train\.tsv \(1 in 1 of 121.*line 122"
    ):
        _, y = task(folder, data__name="qqp").arrays().train
    assert y.tolist() == [1, 0] * 60
    made.write_tsv(
        folder / "sst2/train.tsv",
        ("sentence", "label"),
        [*[row[1:] for row in rows[:-1]], ("cut short",)],
    )
    with pytest.raises(LotteryError, match=r"2 columns in every row.*in line 122"):
        task(folder).arrays()


def test_quoted_fields_may_hold_tabs_and_lines_and_a_lone_quotation_mark_stays(folder):
    train_file('sentence\tlabel\n"the\tfilm"\t1\n"it\nwas"\t0\n')(folder)
    x, y = task(folder, train__batch_size=2).arrays().train
    assert y.tolist() == [1, 0]
    assert words(x["token_ids"][0][:4]) == ["[CLS]", "the", "film", "[SEP]"]
    assert words(x["token_ids"][1][:4]) == ["[CLS]", "it", "was", "[SEP]"]
    train_file('sentence\tlabel\n" the film\t1\nit was "\t0\n')(folder)
    x, _ = task(folder, train__batch_size=2).arrays().train
    assert words(x["token_ids"][0][:5]) == ["[CLS]", "[UNK]", "the", "film", "[SEP]"]


def unlabeled(name, header, label):
    def write(folder):
        made.write_tsv(folder / f"{name}/dev.tsv", header, [("good", "a", 1)])
        made.write_tsv(
            folder / f"{name}/train.tsv", header, [("good", "a", 1), ("bad", "a", label)]
        )

    return write


def odd_dev_label(folder):
    made.write_tsv(folder / "sst2/dev.tsv.gz", ("sentence", "label"), [("a film", 7)])


def remove_weights(folder):
    (folder / "tiny/model.safetensors").unlink()


def remove_config(folder):
    (folder / "tiny/config.json").unlink()


def remove_vocabulary(folder):
    (folder / "tiny/vocab.txt").unlink()


def lose_a_tensor(folder):
    made.preset(folder / "tiny")
    made.save_file({"other": np.zeros(2, "float32")}, str(folder / "tiny/model.safetensors"))


def train_file(text):
    def write(folder):
        (folder / "sst2/train.tsv").write_text(text)

    return write


@pytest.mark.parametrize(
    ("spoil", "changed", "message"),
    [
        (remove_weights, {}, r"weights of the preset in .*tiny.*Received: config\.json, vocab"),
        (remove_config, {}, r"config\.json in the preset folder"),
        (remove_vocabulary, {}, "vocabulary of the preset"),
        (lose_a_tensor, {}, "a folder or a preset of KerasHub with a pre-trained BERT"),
        (None, {"model__preset": "./none"}, r"folder of a pre-trained BERT. Received: \./none"),
        (train_file(""), {}, "Expected text in .*an empty file"),
        (train_file("sentence\tlabel\n"), {}, "rows below the header"),
        (train_file("sentence\tmark\na\t1\n"), {}, "label column.*Received the columns: sentence"),
        (train_file("words\tlabel\na\t1\n"), {}, "column or a pair of columns of sentences"),
        (
            train_file("sentence\tlabel\na\t1\nb\n"),
            {},
            r"Received: 1 in 1 of 2 rows, the first of them in line 3: \['b'\]",
        ),
        (
            unlabeled("tsv", ("sentence", "note", "label"), ""),
            {"data__name": "tsv"},
            r"a label in every row of .*tsv/train\.tsv. Received: none in line 3",
        ),
        (
            unlabeled("stsb", ("sentence1", "sentence2", "score"), "nan"),
            {"data__name": "stsb"},
            r"numbers as labels in stsb/train\.tsv. Received: 'nan' in line 3",
        ),
        (train_file("sentence\tlabel\na\tb\t1\n"), {}, r"Received: 3 in 1 of 1 rows.*line 2"),
        (train_file("sentence\tlabel\na\tyes\n"), {}, r"labels 0, 1 in .*train\.tsv.*: yes"),
        (odd_dev_label, {}, r"labels 0, 1 in sst2/dev\.tsv\.gz.*Received: 7, first in line 2"),
        (None, {"data__name": "rte"}, "the file train.tsv or train.tsv.gz in"),
        (None, {"data__train": "mine.tsv"}, r"the file mine\.tsv"),
        (None, {"data__max_len": 17}, "data.max_len of at most 16"),
    ],
)
def test_what_does_not_fit_is_one_line(folder, spoil, changed, message):
    if spoil:
        spoil(folder)
    with pytest.raises(LotteryError, match=message) as error:
        task(folder, **changed).arrays()
    assert "\n" not in str(error.value)


def test_a_vocabulary_larger_than_the_network_is_named(folder):
    made.preset(folder / "tiny", vocabulary=[*made.WORDS, "strange"])
    made.write_tsv(folder / "sst2/dev.tsv.gz", ("sentence", "label"), [("a strange film", 1)])
    with pytest.raises(LotteryError, match=r"below 22, .*Received: 22 \('strange'\)"):
        task(folder).arrays()


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data__name": "sst"}, "data.name: expected the name of a known language task"),
        ({"data__source": "web"}, "data.source: expected one of files, tfds"),
        ({"data__source": "tfds", "data__name": "mlm"}, "data.source: expected 'files'"),
        ({"data__max_len": 3}, "data.max_len: expected at least 4"),
        (
            {"data__name": "mlm", "data__mask_rate": 0.0},
            "data.mask_rate: expected a number above 0",
        ),
        ({"data__test_size": -1}, "data.test_size: expected at least 0"),
        ({"model__dropout": 1.0}, "model.dropout: expected at least 0 and below 1"),
        ({"model__preset": ""}, "model.preset: expected a value"),
    ],
)
def test_bad_fields_are_named(folder, changed, message):
    with pytest.raises(LotteryError, match=message):
        task(folder, **changed)


def test_without_keras_hub_the_extra_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    with pytest.raises(MissingExtraError, match=r"\.\[nlp\]"):
        task(folder).arrays()
