"""Finds tickets in a BERT on your own sentences, and exports one as a SavedModel.

    KERAS_BACKEND=jax python examples/tickets_in_bert.py

A BERT with two tiny layers replaces a pre-trained one, so that nothing is downloaded. To use a real
one, set `model.preset` to its folder, or to a KerasHub preset such as `bert_base_en_uncased`. The
protocol follows Chen et al. 2020 (2007.12223).
"""

import csv
import itertools
import random
import tempfile
from pathlib import Path

import keras
import keras_hub

from keras_lottery import engine
from keras_lottery.config import presets
from keras_lottery.exporters import export_run
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths

PLAIN = ["the", "a", "soup", "bread", "tea", "cake", "was", "tasted", "is", "and", "very", "."]
PRAISE = ["good", "fresh", "sweet", "warm", "lovely"]
BLAME = ["bad", "stale", "bitter", "cold", "awful"]


def write_sentences(folder: Path) -> None:
    """Writes train.tsv and dev.tsv: short judgments of food, labeled 1 for praise."""
    judgments = [(word, 1) for word in PRAISE] + [(word, 0) for word in BLAME]
    rows = [
        (f"{article} {dish} {verb} {degree}{word} .", label)
        for article, dish, verb, degree, (word, label) in itertools.product(
            ("the", "a"), ("soup", "bread", "tea", "cake"), ("was", "tasted"), ("", "very "),
            judgments,
        )
    ]  # fmt: skip
    random.Random(0).shuffle(rows)
    folder.mkdir()
    for name, part in (("train", rows[:256]), ("dev", rows[256:])):
        with (folder / f"{name}.tsv").open("w") as file:
            writer = csv.writer(file, delimiter="\t")
            writer.writerows([("sentence", "label"), *part])


def write_bert(folder: Path) -> None:
    """Writes a tiny BERT as a KerasHub preset."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PLAIN, *PRAISE, *BLAME]
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(words), num_layers=2, num_heads=2, hidden_dim=32,
        intermediate_dim=64, max_sequence_length=16,
    )  # fmt: skip
    backbone.save_to_preset(str(folder))
    keras_hub.models.BertTokenizer(words, lowercase=True).save_to_preset(str(folder))


def main(folder: Path) -> None:
    """Searches two levels with a control, prints the results and exports a ticket."""
    write_sentences(folder / "tsv")
    write_bert(folder / "tiny")
    settings = {
        "data.name": "tsv",
        "data.dir": str(folder),
        "data.max_len": 10,
        "data.train_size": 0,
        "model.preset": "tiny",
        "optimizer.learning_rate": 0.003,
        "train.length": "12ep",
        "arms": ("winning", "random_mask"),
        "seeds": (0,),
        "out": str(folder),
        "backend": keras.config.backend(),
    }
    run = engine.run(presets.frozen("chen2020/bert:minilm_glue", settings))
    for row in read_results(RunPaths(run).results):
        print(f"{row.arm:12} {row.sparsity:4.0%} pruned: test accuracy {row.value:.3f}")
    print(export_run(run, folder / "out", seed=0, round=2))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
