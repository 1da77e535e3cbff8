"""From sentences to batches to translations, in a synthetic word-by-word language."""

import gzip
import tempfile

import keras
import numpy as np
import pytest

from keras_lottery import engine, masking, report, toolkit
from keras_lottery.config import freeze
from keras_lottery.config.build import build
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from keras_lottery.exporters import export_run
from keras_lottery.records import read_metrics, read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tasks.language.buckets import BucketOrder, in_buckets
from keras_lottery.tasks.language.translation import batches, metrics, pairs, search
from keras_lottery.tasks.language.translation.config import TranslationData, TranslationModel
from keras_lottery.tasks.language.translation.metrics import bleu
from keras_lottery.tasks.language.translation.pairs import Pairs
from keras_lottery.tasks.language.translation.subwords import END, PAD, START, Subwords
from keras_lottery.tasks.language.translation.task import TranslationTask
from keras_lottery.training import ArrayData
from keras_lottery.types import Start, Training
from tests.tasks.language.made_translation import corpus, sentences

SMALL = TranslationModel(layers=1, width=16, hidden=32, heads=2, dropout=0.0, extra=2, beam=3)

# Compiling takes longer than these few steps; the other backends don't read it.
JIT = "false" if keras.config.backend() == "tensorflow" else "auto"


def config(out="runs", **fields):
    settings = {
        "name": "made",
        "task": "translation",
        "backend": keras.config.backend(),
        "out": str(out),
        "seeds": [0],
        "arms": ["winning"],
        "data": {"vocabulary": 40, "lengths": (16,)},
        "model": {"layers": 1, "width": 16, "hidden": 32, "heads": 2, "extra": 2, "beam": 2},
        "optimizer": {"name": "adam", "learning_rate": 0.01},
        "train": {"length": "12it", "batch_size": 128, "eval_every": 6, "jit": JIT},
        "prune": {"rounds": 1, "rate": 0.5, "biases": True},
        "rewind": {"to": "3it"},
    }
    for name, value in fields.items():
        section, _, field = name.partition("__")
        settings[section][field] = value
    return freeze(settings)


def files(folder, **lines):
    for name, text in lines.items():
        (folder / name.replace("__", ".")).write_text("\n".join(text) + "\n")


# Pairs


def test_pairs_come_from_a_file_of_each_language_gzipped_or_not(tmp_path):
    one = sentences(5)
    for stem in ("train", "val", "test"):
        (tmp_path / f"{stem}.de").write_text("\n".join(one.source) + "\n")
        with gzip.open(tmp_path / f"{stem}.en.gz", "wt") as file:
            file.write("\n".join(one.target) + "\n")
    found = pairs.load(TranslationData(dir=str(tmp_path), train_size=3))
    assert found.train == Pairs(one.source[:3], one.target[:3])
    assert found.validation == found.test == one
    with pytest.raises(LotteryError, match=r"train_size of at most 5, the number of pairs.*: 6\."):
        pairs.load(TranslationData(dir=str(tmp_path), train_size=6))


@pytest.mark.filterwarnings("ignore")
def test_wmt14_is_read_as_tensorflow_datasets_prepares_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # it leaves files there
    tf, tfds = map(pytest.importorskip, ("tensorflow", "tensorflow_datasets"))
    one = sentences(4)
    rows = tf.data.Dataset.from_tensor_slices({"de": one.source, "en": one.target})
    tfds.dataset_builders.store_as_tfds_dataset(
        name="wmt14_translate",
        config="de-en",
        version="1.0.0",
        data_dir=tmp_path,
        features=tfds.features.Translation(languages=["de", "en"]),
        split_datasets={"train": rows.take(4), "validation": rows.take(2), "test": rows.take(1)},
        disable_shuffling=True,
    )
    data = TranslationData(name="wmt14", dir=str(tmp_path), source="en", target="de")
    found = pairs.load(data)
    assert found.train == Pairs(one.target, one.source)
    assert (len(found.validation), len(found.test)) == (2, 1)


def test_unpaired_lines_and_missing_files_are_named(tmp_path):
    files(tmp_path, train__de=["a", " ", "c"], train__en=["a", "b", "c"])
    with pytest.raises(LotteryError, match=r"a sentence in line 2 of .*train\.de.*both files"):
        pairs.load(TranslationData(dir=str(tmp_path)))
    files(tmp_path, train__de=["a", "b"], train__en=["a"])
    with pytest.raises(LotteryError, match=r"as many lines in .*train\.en .*Received: 1 and 2"):
        pairs.load(TranslationData(dir=str(tmp_path)))
    files(tmp_path, train__en=["a", "b"])
    with pytest.raises(LotteryError, match=r"val\.de.*data\.validation"):
        pairs.load(TranslationData(dir=str(tmp_path)))
    with pytest.raises(LotteryError, match=r"data\.train.*none"):
        pairs.load(TranslationData(dir=str(tmp_path), train=""))


@pytest.mark.parametrize(
    ("section", "fields", "words"),
    [
        (TranslationData, {"name": "wmt15"}, "one of text, wmt14"),
        (TranslationData, {"target": "de"}, "another language"),
        (TranslationData, {"name": "wmt14", "source": "fr"}, "'de' and 'en' of wmt14"),
        (TranslationData, {"lengths": (8, 8)}, "rising"),
        (TranslationData, {"lengths": ()}, "rising"),
        (TranslationData, {"vocabulary": 3}, "at least 16"),
        (TranslationModel, {"width": 10, "heads": 4}, "multiple of the 4 heads"),
        (TranslationModel, {"beam": 0}, "at least 1"),
        (TranslationModel, {"dropout": 1.0}, "below 1"),
        (TranslationModel, {"length_penalty": -1.0}, "at least 0"),
    ],
)
def test_a_bad_field_is_named(section, fields, words):
    problems = []
    build(section, fields, "", problems)
    (problem,) = problems
    assert words in problem


# Subwords


def test_subwords_give_back_the_sentences_and_are_the_same_each_time():
    text = sentences(50)
    one, other = (Subwords(text.source + text.target, 40) for _ in range(2))
    ids = one.encode(text.target)
    assert all(row[-1] == END and PAD not in row for row in ids)
    assert [list(row) for row in ids] == [list(row) for row in other.encode(text.target)]
    assert one.decode(batches.padded(ids, 40)) == text.target


def test_more_subwords_than_the_text_has_is_an_error():
    with pytest.raises(LotteryError, match=r"for 5000 subwords.*smaller data\.vocabulary"):
        Subwords(["so wenig text", "ist es"], 5000)


# Batches


def test_decoder_inputs_are_the_labels_shifted_by_one():
    source, target = [np.array([5, 6, END])], [np.array([7, 8, 9, END])]
    (inputs, decoder_inputs), labels = batches.arrays(source, target, 6)
    assert inputs.tolist() == [[5, 6, END, PAD, PAD, PAD]]
    assert labels.tolist() == [[7, 8, 9, END, PAD, PAD]]
    assert decoder_inputs.tolist() == [[START, 7, 8, 9, PAD, PAD]]
    assert batches.padded(target, 3).tolist() == [[7, 8, END]]


def test_a_pair_stands_in_the_shortest_bucket_that_holds_both():
    source = [np.full(n, 5, np.int32) for n in (2, 4, 5, 8, 9)]
    target = [np.full(n, 6, np.int32) for n in (3, 4, 2, 3, 2)]
    found = batches.buckets(source, target, (4, 8))
    assert [part[1].shape for part in found] == [(2, 4), (2, 8)]  # the longest is left out
    with pytest.raises(LotteryError, match=r"at most 3 subwords.*shortest of 9"):
        batches.buckets(source[4:], target[4:], (3,))


def test_an_epoch_has_each_sentence_at_most_once_and_every_whole_batch():
    order = BucketOrder(sizes=(10, 7), batches=(4, 3), seed=3)
    assert order.steps_per_epoch == 2 + 2
    seen: dict[int, list[int]] = {0: [], 1: []}
    for step in range(4):
        rows = order.rows(step, order.run_end(step))
        assert rows.shape == (1, (4, 3)[order.part(step)])
        seen[order.part(step)] += rows[0].tolist()
    assert [len(set(seen[part])) for part in (0, 1)] == [8, 6]
    again, other = BucketOrder((10, 7), (4, 3), 3), BucketOrder((10, 7), (4, 3), 4)
    assert all((again.rows(s, s + 1) == order.rows(s, s + 1)).all() for s in (5, 1, 6))
    assert any(
        other.part(s) != order.part(s) or (other.rows(s, s + 1) != order.rows(s, s + 1)).any()
        for s in range(4)
    )
    assert {order.part(step) for step in order.shapes} == {0, 1}


def test_sentences_that_no_epoch_has_are_a_warning():
    parts = [(np.zeros((size, 4)), np.zeros((size, 4))) for size in (8, 3)]
    with pytest.warns(UserWarning, match="^3 of 11 sentences are too few"):
        in_buckets(ArrayData((), None, ()), parts, [4, 4])


def test_no_whole_batch_is_an_error():
    with pytest.raises(LotteryError, match=r"Received: 3\. Choose a smaller train\.batch_size"):
        BucketOrder((3,), (4,))


# Loss and metrics


@pytest.mark.backend
def test_loss_and_perplexity_leave_padding_out():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 3, 5)).astype(np.float32)
    y = np.array([[4, 2, 0], [3, 0, 0]])
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    right = np.take_along_axis(logs, y[..., None], -1)[..., 0]
    told = y != PAD
    smooth = 0.9 * right + 0.1 * logs.mean(-1)
    found = metrics.SmoothedCrossentropy(0.1)(y, logits)
    assert float(found) == pytest.approx(-(smooth * told).sum() / y.size, rel=1e-5)
    metric = metrics.LogPerplexity()
    for row in range(2):
        metric.update_state(y[row : row + 1], logits[row : row + 1])
    assert float(metric.result()) == pytest.approx(-right[told].mean(), rel=1e-5)


def test_bleu_counts_words_as_each_tokenizer_cuts_them():
    same = bleu(
        ["A dog runs across the green grass."], ["A dog runs across the green grass."], "en"
    )
    assert same == {"bleu": pytest.approx(100), "bleu_moses": pytest.approx(100)}
    # Moses parts "don't" in two, 13a does not: one wrong word among more right ones.
    found = bleu(["We don't see a dog here"], ["We don't see a cat here"], "en")
    assert 0 < found["bleu"] < found["bleu_moses"] < 100


# Search


@pytest.fixture(scope="module")
def trained():
    """A model with random weights that is masked, and some sources."""
    from keras_lottery.tasks.language.translation.model import build
    from keras_lottery.tasks.seeding import seeded

    with seeded(0):
        model = toolkit.mask(build(SMALL, 12))
    rng = np.random.default_rng(0)
    for variable in masking.variables(model).values():
        variable.assign(rng.normal(scale=0.5, size=variable.shape))
    sources = np.where(np.arange(6) < rng.integers(2, 6, (5, 1)), rng.integers(4, 12, (5, 6)), PAD)
    return model, sources.astype(np.int32)


def scored(model, sources, said):
    """log P of sentences, read off the model that is told all of them at once."""
    known = np.concatenate([np.full((len(said), 1), START), said[:, :-1]], 1).astype(np.int32)
    known[known == END] = PAD
    logits = keras.ops.convert_to_numpy(model([sources, known])).astype(np.float64)
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    return (np.take_along_axis(logs, said[..., None], -1)[..., 0] * (said != PAD)).sum(1)


@pytest.mark.backend
def test_a_beam_of_one_says_the_likeliest_word_each_time(trained):
    model, sources = trained
    greedy = TranslationModel(**(vars(SMALL) | {"beam": 1}))
    found = search.BeamSearch(model, greedy, 2, 6)(sources)
    assert found.shape == (5, 8)
    known = np.full((5, 8), PAD, np.int32)
    known[:, 0] = START
    for place in range(8):
        logits = keras.ops.convert_to_numpy(model([sources, known]))[:, place]
        logits[:, PAD] = -np.inf
        word = logits.argmax(-1)
        going = (found[:, :place] != END).all(1)
        assert (found[going, place] == word[going]).all()
        assert (found[~going, place] == PAD).all()
        if place < 7:
            known[:, place + 1] = np.where(found[:, place] == END, PAD, found[:, place])


def test_a_wide_beam_finds_the_best_of_all_sentences_of_two_words(trained):
    model, sources = trained
    wide = TranslationModel(**(vars(SMALL) | {"beam": 11, "length_penalty": 0.0, "extra": 1}))
    sources = sources[:2, :1]  # two places: the first word, and one behind it
    found = search.BeamSearch(model, wide, 2, 1)(sources)
    words = [w for w in range(12) if w != PAD]
    every = [(END, PAD), *((a, b) for a in words if a != END for b in words)]
    for source, best in zip(sources, found):
        scores = scored(model, np.repeat(source[None], len(every), 0), np.array(every, np.int32))
        assert tuple(best) == every[int(scores.argmax())]


@pytest.mark.backend
def test_other_weights_and_masks_are_searched_without_compiling_again(trained):
    model, sources = trained
    searching = search.BeamSearch(model, SMALL, 5, 6)
    before = searching(sources)
    masks, weights = masking.get_masks(model), masking.get_weights(model)
    rng = np.random.default_rng(1)
    masking.set_masks(model, {p: rng.random(m.shape) < 0.5 for p, m in masks.items()})
    pruned = searching(sources)
    assert (pruned != before).any()
    assert (search.BeamSearch(model, SMALL, 5, 6)(sources) == pruned).all()
    masking.set_masks(model, masks)
    masking.set_weights(model, weights)
    assert (searching(sources) == before).all()


# The task


@pytest.mark.tensorflow  # on which its presets run; the tests above train on all
def test_tickets_of_a_translator_go_through_the_engine(tmp_path):
    made = corpus()
    for stem in ("train", "val", "test"):
        part = {"train": made.train, "val": made.validation, "test": made.test}[stem]
        files(tmp_path, **{f"{stem}__de": part.source, f"{stem}__en": part.target})
    run = engine.run(config(tmp_path / "runs", data__dir=str(tmp_path)))
    rows = {row.arm: row for row in read_results(run / "results.csv")}
    assert rows.keys() == {"dense", "winning"}
    assert all(row.metric == "bleu" and 0 <= row.value <= 100 for row in rows.values())
    assert rows["winning"].kept == rows["winning"].prunable - rows["winning"].prunable // 2
    names = {row.name for row in read_metrics(RunPaths(run).metrics)}
    assert {"test_bleu_moses", "test_log_perplexity"} <= names
    export_run(run, tmp_path / "out.keras", "keras", round=1, dense=False)
    model = keras.saving.load_model(tmp_path / "out.keras")
    from sentencepiece import SentencePieceProcessor

    proto = (tmp_path / "out.keras.subwords.model").read_bytes()
    loaded = SentencePieceProcessor(model_proto=proto)
    source = np.array([[*loaded.encode("rot haus"), END]], np.int32)
    logits = model((source, np.array([[START, PAD]], np.int32)))
    assert tuple(logits.shape) == (1, 2, loaded.vocab_size())
    report.build(run)
    page = (run / "report" / "report.md").read_text()
    assert "| source | reference | dense | winning, 50.0 % remaining |" in page
    assert f"| {made.test.source[4]} | {made.test.target[4]} |" in page


def test_one_program_a_shape_serves_every_training():
    task = TranslationTask(config(data__lengths=(8, 16)), corpus())
    start = Start(task.start_weights(0))
    first = task.fit(Training("", "translation", 0, 0, "dense"), start, NoProgress())
    program = task._trainer("zero").program
    traced = program.traces
    assert traced > 0 or keras.config.backend() == "torch"  # which traces nothing
    again = task.fit(Training("", "translation", 0, 0, "dense"), start, NoProgress())
    assert program.traces == traced
    assert all(np.array_equal(first.weights[p], again.weights[p]) for p in first.weights)
    assert first.rewind is not None and int(first.rewind["step"][0]) == 3
    state = first.rewind
    rewound = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    late = Start(rewound, step=3, learning_rate_step=3, data_order_step=3, state=state)
    went_on = task.fit(Training("", "translation", 0, 0, "dense"), late, NoProgress())
    assert all(np.array_equal(first.weights[p], went_on.weights[p]) for p in first.weights)


def test_a_translator_learns_to_translate():
    task = TranslationTask(
        config(train__length="200it", train__eval_every=200, optimizer__learning_rate=0.005,
               train__evaluate_start=True, model__width=32, model__dropout=0.0,
               model__label_smoothing=0.0),
        corpus(),
    )  # fmt: skip
    start = Start(task.start_weights(0))
    outcome = task.fit(Training("", "translation", 0, 0, "dense"), start, NoProgress())
    assert outcome.final_value > 40 > outcome.initial["bleu"]
    assert outcome.metrics["test_log_perplexity"] < 1
    trained = Start(outcome.weights)
    assert task.evaluate(trained)["bleu"] == pytest.approx(outcome.final_value)
    with pytest.raises(LotteryError, match=r"full test set.*split='validation'"):
        task.evaluate(trained, "validation")
    said = task.translate(task._model)
    assert [sample["answer"] for sample in outcome.samples] == said[: len(outcome.samples)]
    right = task.corpus.test.target
    assert sum(a == b for a, b in zip(said, right)) > len(right) / 4


@pytest.mark.parametrize(
    ("prune", "embedded", "layered"),
    [({}, True, True), ({"prune__embeddings": False}, False, True),
     ({"prune__include": ("*embedding*",)}, True, False)],
)  # fmt: skip
def test_all_weights_the_layers_or_the_embedding_can_be_pruned(prune, embedded, layered):
    task = TranslationTask(config(**prune), corpus())
    pruned = [v.path for v in task.variables() if v.prunable]
    assert any("embedding" in path for path in pruned) == embedded
    assert any("coder" in path for path in pruned) == layered


def test_a_batch_too_small_for_a_sentence_is_an_error():
    task = TranslationTask(config(train__batch_size=10), corpus())
    with pytest.raises(LotteryError, match=r"at least 16 subwords.*Received: 10"):
        task.arrays()
