"""Finds winning tickets of a small Transformer that translates German; random ones are a control.

    KERAS_BACKEND=tensorflow python examples/find_a_ticket_in_translation.py

All weights and biases are pruned together, and pruned networks are rewound to an update early in
the warm-up, as in Yu et al. 2019 (1906.02768). The 400 sentence pairs are alike and share a few
words, so that a small network learns them within a minute.
"""

import tempfile
from pathlib import Path

import keras
import keras_hub  # noqa: F401  the network is built from its layers

from keras_lottery import engine
from keras_lottery.config import presets
from keras_lottery.records import read_results, read_table
from keras_lottery.records.run_paths import SAMPLES, RunPaths

TEXT = Path(__file__).parent / "text"
PARTS = {"train": slice(0, 340), "val": slice(340, 360), "test": slice(360, 400)}


def write_parts(folder: Path) -> None:
    """Writes the pairs in three parts, one file per language."""
    for language in ("de", "en"):
        lines = (TEXT / f"the_village.{language}").read_text("utf-8").splitlines(keepends=True)
        for name, part in PARTS.items():
            (folder / f"{name}.{language}").write_text("".join(lines[part]), "utf-8")


def main(folder: Path) -> None:
    """Runs one round of the small preset on the pairs and prints each network's BLEU."""
    write_parts(folder)
    settings = {
        "data.dir": str(folder),
        "data.vocabulary": 120,
        "data.lengths": (16, 32),
        "model.layers": 1,
        "model.width": 64,
        "model.hidden": 128,
        "optimizer.warmup": "40it",
        "train.length": "180it",
        "train.batch_size": 1024,
        "train.eval_every": 60,
        "train.average_every": "20it",
        "rewind.to": "10it",
        "prune.rounds": 1,
        "prune.levels": (0.672,),
        "arms": ("winning", "permuted_global"),
        "seeds": (0,),
        "out": str(folder),
        "backend": keras.config.backend(),
    }
    run = engine.run(presets.frozen("yu2019/transformer:multi30k_small", settings))
    paths = RunPaths(run)
    for row in read_results(paths.results):
        print(
            f"round {row.round} {row.arm:>16}: {row.sparsity:4.0%} pruned, "
            f"test BLEU {row.value:.1f}"
        )
        sample = read_table(paths.table(row.training, SAMPLES))[0]
        print(f"  {sample['source']} -> {sample['answer']}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
