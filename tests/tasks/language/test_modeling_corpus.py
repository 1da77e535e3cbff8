"""A text becomes ids of the training vocabulary, or an error that names what is missing."""

import gzip
import sys
import tempfile
from dataclasses import replace

import numpy as np
import pytest

import keras_lottery.tasks  # noqa: F401  registers the task
from keras_lottery.config import freeze
from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.tasks.language.modeling.config import LanguageModelingData
from keras_lottery.tasks.language.modeling.corpus import Corpus, load

# As WikiText-2's files: a blank before and after each line, lines without words among them.
WIKI = " \n = Title = \n \n the <unk> cat and the dog . \n"


def data(folder, train=WIKI, test=WIKI, **fields):
    (folder / "train.txt").write_text(train)
    (folder / "test.txt.gz").write_bytes(gzip.compress(test.encode()))
    return LanguageModelingData(dir=str(folder), train="train.txt", test="test.txt.gz", **fields)


def test_the_vocabulary_is_that_of_the_training_text_with_ends_of_lines(tmp_path):
    corpus = load(data(tmp_path, test="the bird . \n"))
    assert corpus.vocabulary[0] == "<eos>"
    assert set(corpus.vocabulary) == {*WIKI.split(), "<eos>"}
    assert len(corpus.train) == 4 + 3 + 7
    words = [corpus.vocabulary[i] for i in corpus.test]
    assert words == ["the", "<unk>", ".", "<eos>"]
    assert corpus.validation is None


def test_only_the_first_tokens_are_used_where_it_says_so(tmp_path):
    corpus = load(data(tmp_path, train_tokens=5, test_tokens=3))
    assert (len(corpus.train), len(corpus.test)) == (5, 3)
    assert set(corpus.vocabulary) == {"<eos>", "=", "Title"}
    with pytest.raises(LotteryError, match=r"train_tokens of at most 14.*Received: 15\."):
        load(data(tmp_path, train_tokens=15))
    with pytest.raises(LotteryError, match=r"test_tokens of at most 3, the tokens of the test"):
        load(data(tmp_path, test="the cat\n", test_tokens=4))


def test_a_new_word_without_unk_is_an_error_that_names_it(tmp_path):
    with pytest.raises(LotteryError, match=r"the test text. Received: bird\. Set"):
        load(data(tmp_path, train="the cat .\n", test="the bird .\n"))
    for count, more in ((5, r"\."), (6, r" \(1 more word\)"), (9, r" \(4 more words\)")):
        test = " ".join(f"new{i}" for i in range(count))
        with pytest.raises(LotteryError, match=f"Received: new0, new1, new2, new3, new4{more}"):
            load(data(tmp_path, train="the cat .\n", test=f"the {test}\n"))


def test_an_empty_or_missing_corpus_is_an_error(tmp_path):
    with pytest.raises(LotteryError, match="an empty file"):
        load(data(tmp_path, train="\n"))
    with pytest.raises(LotteryError, match=r"data\.train"):
        load(LanguageModelingData(dir=str(tmp_path / "no"), train="x", test="y"))
    with pytest.raises(LotteryError, match="at least 2 tokens in the test text"):
        load(data(tmp_path, train="the <unk>\n", test="the\n", test_tokens=1))


@pytest.mark.parametrize("wrong", [3, -1])
def test_an_id_past_the_vocabulary_is_an_error(wrong):
    good = np.array([0, 1, 2], np.int32)
    with pytest.raises(LotteryError, match=f"from 0 to 2 in the test text. Received: {wrong}"):
        Corpus(good, good, np.array([1, wrong], np.int32), ("a", "b", "c"))


@pytest.mark.parametrize(
    "section, fields, words",
    [
        ("data", {"train": ""}, "data.train: expected the path"),
        ("data", {"steps": 0}, "data.steps"),
        ("data", {"train_tokens": -1}, "data.train_tokens"),
        ("model", {"name": "gru"}, "model.name: expected one of lstm"),
        ("model", {"dropout": 1.0}, "model.dropout"),
        ("model", {"units": 0}, "model.units"),
        ("model", {"tied": True, "units": 3}, "model.tied.*3 and 650"),
    ],
)
def test_a_bad_section_is_one_line(section, fields, words):
    given = {"data": {"train": "a", "test": "b"}, "model": {}}
    given[section] |= fields
    with pytest.raises(LotteryError, match=words) as error:
        freeze({"name": "x", "task": "language_modeling", **given})
    assert "\n" not in str(error.value)


def store(root, **texts):
    tf = pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    tfds.dataset_builders.store_as_tfds_dataset(
        name="tiny_shakespeare",
        version="1.0.0",
        features=tfds.features.FeaturesDict({"text": tfds.features.Text()}),
        split_datasets={
            part: tf.data.Dataset.from_tensor_slices({"text": [text]})
            for part, text in texts.items()
        },
        data_dir=root,
        disable_shuffling=True,
    )


@pytest.mark.filterwarnings("ignore")
def test_a_prepared_data_set_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store(tmp_path, train="to be\nor not\nto be\n", test="be that\n")
    data = LanguageModelingData(name="tiny_shakespeare", dir=str(tmp_path), min_count=2)
    corpus = load(data)
    assert corpus.vocabulary == ("<eos>", "to", "be", "<unk>") and corpus.validation is None
    assert [corpus.vocabulary[i] for i in corpus.train[3:6]] == ["<unk>", "<unk>", "<eos>"]
    assert [corpus.vocabulary[i] for i in corpus.test] == ["be", "<unk>", "<eos>"]
    assert load(replace(data, min_count=1)).vocabulary[-1] == "<unk>"
    with pytest.raises(LotteryError, match=r"that.*data\.min_count"):
        load(replace(data, min_count=0))
    store(tmp_path / "whole", train="to be\nor not\n", validation="to\nbe\n", test="not to\n")
    corpus = load(LanguageModelingData(name="tiny_shakespeare", dir=str(tmp_path / "whole")))
    assert [corpus.vocabulary[i] for i in corpus.validation] == ["to", "<eos>", "be", "<eos>"]
    with pytest.raises(LotteryError, match=r"'lm1b'.*tiny_shakespeare"):
        load(LanguageModelingData(name="lm1b", dir=str(tmp_path)))
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(MissingExtraError, match=r"\.\[data\]"):
        load(LanguageModelingData(name="tiny_shakespeare", dir=str(tmp_path)))
