"""Finds winning tickets of an LSTM language model on a small text, as an experiment with controls.

    KERAS_BACKEND=jax python examples/find_a_ticket_in_text.py

The network carries its states along contiguous streams of the text, all weights and biases are
pruned together, and pruned networks are rewound to the end of the first epoch (Yu et al. 2019,
1906.02768). Lower log-perplexity is better.
"""

import math
import re
import tempfile
from collections import Counter
from pathlib import Path

import keras

from keras_lottery import engine
from keras_lottery.config import presets
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths

TEXT = Path(__file__).parent / "text/the_mill.txt"


def write_splits(folder: Path) -> None:
    """Writes the text in three parts, with words separated by spaces and single ones as `<unk>`."""
    lines = [re.findall(r"\w+|[^\w\s]", line.lower()) for line in TEXT.read_text().splitlines()]
    parts = {"train": lines[:70], "validation": lines[70:79], "test": lines[79:]}
    counts = Counter(word for line in parts["train"] for word in line)
    for name, part in parts.items():
        known = [[word if counts[word] > 1 else "<unk>" for word in line] for line in part]
        (folder / f"{name}.txt").write_text("".join(f"{' '.join(line)}\n" for line in known))


def main(folder: Path) -> None:
    """Runs two rounds of the small preset on the text and prints each network's perplexity."""
    write_splits(folder)
    settings = {
        "data.dir": str(folder),
        "data.train": "train.txt",
        "data.validation": "validation.txt",
        "data.test": "test.txt",
        "data.train_tokens": 0,
        "data.test_tokens": 0,
        "data.steps": 10,
        "model.units": 32,
        "model.embedding": 32,
        "train.batch_size": 4,
        "train.length": "15ep",
        "prune.rounds": 2,
        "arms": ("winning", "permuted_global"),
        "seeds": (0,),
        "out": str(folder),
        "backend": keras.config.backend(),
    }
    run = engine.run(presets.frozen("yu2019/lstm:ptb_small", settings))
    for row in read_results(RunPaths(run).results):
        print(
            f"round {row.round} {row.arm:>16}: {row.sparsity:4.0%} pruned, "
            f"test log-perplexity {row.value:.3f} (perplexity {math.exp(row.value):.1f})"
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
