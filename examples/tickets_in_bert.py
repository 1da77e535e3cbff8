"""Finds tickets in a BERT on sentences of one's own, and ships one as a SavedModel.

    KERAS_BACKEND=jax python examples/tickets_in_bert.py

Here a BERT of two tiny layers stands in for a pre-trained one, so that nothing is fetched. With a
real one, give its folder, or a preset of KerasHub such as `bert_base_en_uncased`, as
`--config.model.preset`. The protocol is that of Chen et al. 2020 (2007.12223).
"""

import csv
import itertools
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import keras_hub

PLAIN = ["the", "a", "soup", "bread", "tea", "cake", "was", "tasted", "is", "and", "very", "."]
PRAISE = ["good", "fresh", "sweet", "warm", "lovely"]
BLAME = ["bad", "stale", "bitter", "cold", "awful"]


def write_sentences(folder: Path) -> None:
    """Writes train.tsv and dev.tsv: short judgements of food, labelled 1 for praise."""
    judgements = [(word, 1) for word in PRAISE] + [(word, 0) for word in BLAME]
    rows = [
        (f"{article} {dish} {verb} {degree}{word} .", label)
        for article, dish, verb, degree, (word, label) in itertools.product(
            ("the", "a"), ("soup", "bread", "tea", "cake"), ("was", "tasted"), ("", "very "),
            judgements,
        )
    ]  # fmt: skip
    random.Random(0).shuffle(rows)
    folder.mkdir()
    for name, part in (("train", rows[:256]), ("dev", rows[256:])):
        with (folder / f"{name}.tsv").open("w") as file:
            writer = csv.writer(file, delimiter="\t")
            writer.writerows([("sentence", "label"), *part])


def write_bert(folder: Path) -> None:
    """Writes the preset of a tiny BERT, as KerasHub keeps them."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *PLAIN, *PRAISE, *BLAME]
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=len(words), num_layers=2, num_heads=2, hidden_dim=32,
        intermediate_dim=64, max_sequence_length=16,
    )  # fmt: skip
    backbone.save_to_preset(str(folder))
    keras_hub.models.BertTokenizer(words, lowercase=True).save_to_preset(str(folder))


def keras_lottery(*arguments: str) -> str:
    """Runs a command of the package; returns what it printed."""
    command = [sys.executable, "-m", "keras_lottery", *arguments]
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout


def main(folder: Path) -> None:
    """Searches two levels with a control, prints what came of it and exports a ticket."""
    write_sentences(folder / "tsv")
    write_bert(folder / "tiny")
    said = keras_lottery(
        "run", "--config=chen2020/minilm_glue", f"--out={folder}",
        "--config.data.name=tsv", f"--config.data.dir={folder}", "--config.model.preset=tiny",
        "--config.data.max_len=10", "--config.data.train_size=0", "--config.train.length=2ep",
        "--config.optimizer.learning_rate=0.003", "--config.arms=winning,random_mask", "--seeds=0",
    )  # fmt: skip
    run = next(line for line in said.splitlines() if line.startswith("run folder: "))[12:]
    with Path(run, "results.csv").open() as file:
        for row in csv.DictReader(file):
            sparsity, value = float(row["sparsity"]), float(row["value"])
            print(f"{row['arm']:12} {sparsity:4.0%} pruned: test accuracy {value:.3f}")
    print(keras_lottery("export", f"--run={run}", "--seed=0", "--round=2", f"--out={folder}/out"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
