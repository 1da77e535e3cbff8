"""Perplexity of a small OPT pruned with calibration data, written as a page with its table.

    python -m benchmarks.calibrated [--data-dir=FOLDER] [--seeds=0,1,2] [--out=FOLDER] [--quick]

Each seed trains an OPT of KerasHub on the words of the Penn Treebank (`ptb.train.txt`
and `ptb.test.txt`, plain or gzipped, in --data-dir), or on the text that ships with the examples.
Every method then prunes the same trained weights, without retraining, and is
evaluated on the test text. Seeds that are finished in the folder's results.csv are not measured
again, and trained weights in --runs are used again.
"""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

import keras_lottery as kl
from benchmarks import calibrated_page as page
from benchmarks.calibrated_page import DENSE, Row
from keras_lottery import masking
from keras_lottery.tasks.language.modeling.config import LanguageModelingData
from keras_lottery.tasks.language.modeling.corpus import Corpus, load

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "docs/results/calibrated"
TEXT = ROOT / "examples/text/the_mill.txt"
BLOCKS = "*/transformer_layer*"


@dataclass(frozen=True)
class Settings:
    """Sizes of the network, its training, and the calibration data.

    Args:
        layers: Transformer blocks.
        width: of the embeddings and between the blocks; the feed-forward layers are 4 times wider.
        heads: attention heads.
        length: tokens per sequence.
        batch: sequences per step.
        steps: about how many of Adam; whole passes over the training text.
        rate: largest learning rate of Adam; a tenth of the steps warms up to it, and a cosine
            leads down to a tenth of it.
        dropout: rate in training.
        min_count: words that occur less often in the Penn Treebank are `<unk>`.
        samples: calibration sequences, from the training text.
        words: read of the training text, from its start; 0: all.
        test_words: likewise of the test text.
    """

    layers: int = 4
    width: int = 128
    heads: int = 4
    length: int = 64
    batch: int = 16
    steps: int = 3600
    rate: float = 2e-3
    dropout: float = 0.1
    min_count: int = 20
    samples: int = 128
    words: int = 0
    test_words: int = 20_000


QUICK = Settings(layers=1, width=16, heads=2, length=8, batch=4, steps=44, samples=8)
SPARSITIES = (0.5, 0.6)


class OutputMagnitude(kl.WandaConfig):
    """Wanda without its inputs: magnitudes, compared among the weights of each output."""

    def prune(self, weights: Any, moments: Any, kept: Any) -> Any:
        return super().prune(weights, np.ones_like(moments), kept)


def main(arguments: Sequence[str]) -> int:
    """Trains, prunes and writes the page; returns the exit code: 2 with one line for bad input."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.calibrated",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data-dir", default="", help="folder of the Penn Treebank")
    parser.add_argument("--seeds", default="0,1,2", help="numbers with commas")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of page.md and results.csv")
    parser.add_argument(
        "--runs", type=Path, default=Path("runs/calibrated"), help="folder of the trained weights"
    )
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it runs")
    options = parser.parse_args(arguments)
    try:
        seeds = [int(seed) for seed in options.seeds.split(",")]
        settings = QUICK if options.quick else Settings()
        runs = None if options.quick else options.runs
        measure(options.data_dir, seeds, options.out, settings, runs)
    except ValueError as error:
        print(f"calibrated: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


def measure(
    data_dir: str, seeds: Sequence[int], out: Path, settings: Settings, runs: Path | None = None
) -> None:
    """Measures the seeds that results.csv lacks, and writes it and the page."""
    corpus = load(text(data_dir, settings))
    rows = page.read(out)
    for seed in seeds:
        if not any(row.seed == seed for row in rows):
            rows += measure_seed(seed, corpus, settings, runs)
        page.write(out, rows, description(data_dir, corpus, settings))


def text(data_dir: str, settings: Settings) -> LanguageModelingData:
    """Returns the Penn Treebank, or the text of the examples."""
    train = test = str(TEXT)
    if data_dir:
        ending = ".txt.gz" if Path(data_dir, "ptb.train.txt.gz").is_file() else ".txt"
        train, test = f"ptb.train{ending}", f"ptb.test{ending}"
    return LanguageModelingData(
        dir=data_dir,
        train=train,
        test=test,
        min_count=settings.min_count if data_dir else 1,
        train_tokens=settings.words,
        test_tokens=settings.test_words if data_dir else 0,  # the examples' text is short
    )


def measure_seed(
    seed: int, corpus: Corpus, settings: Settings, runs: Path | None = None
) -> list[Row]:
    """Trains a network and returns the perplexity of each pruned copy on the test text."""
    model = trained(seed, corpus, settings, runs)
    model = kl.mask(model, include=BLOCKS)
    weights = masking.get_weights(model)
    calibration = {
        "dataset": corpus.train,
        "num_samples": settings.samples,
        "sequence_length": settings.length,
        "batch_size": 32,
    }
    x, y = windows(corpus.test, settings.length)

    def perplexity(prune: Callable[..., Any], **target: Any) -> float:
        masking.set_masks(model, {})
        masking.set_weights(model, weights)
        prune(model, **target)
        evaluated = model.evaluate(x, y, batch_size=settings.batch, verbose=0, return_dict=True)
        return float(np.exp(evaluated["loss"]))

    rows = [Row(seed, DENSE, "0", perplexity(lambda model: None))]
    for name, prune in methods(seed, calibration).items():
        for sparsity in SPARSITIES:
            value = perplexity(prune, sparsity=sparsity)
            rows.append(Row(seed, name, f"{sparsity:g}", value))
        if name not in (page.GLOBAL, page.WANDA_BY_LAYER):
            rows.append(Row(seed, name, "2:4", perplexity(prune, pattern="2:4")))
        print(*rows[-3:], sep="\n", flush=True)
    return rows


def methods(seed: int, calibration: dict[str, Any]) -> dict[str, Callable[..., Any]]:
    """Returns the functions of a masked model that prune it, by name."""

    def calibrated(config: Callable[..., Any]) -> Callable[..., Any]:
        return lambda model, **target: kl.prune_calibrated(model, config(**calibration, **target))

    def scored(criterion: str, scope: str) -> Callable[..., Any]:
        return lambda model, **target: kl.prune(
            model, criterion=criterion, scope=scope, seed=seed, **target
        )

    return {
        page.RANDOM: scored("random", "layer"),
        page.GLOBAL: scored("magnitude", "global"),
        page.MAGNITUDE: scored("magnitude", "layer"),
        page.BY_OUTPUT: calibrated(OutputMagnitude),
        page.WANDA: calibrated(kl.WandaConfig),
        page.WANDA_BY_LAYER: calibrated(partial(kl.WandaConfig, scope="layer")),
        page.SPARSEGPT: calibrated(kl.SparseGPTConfig),
    }


def trained(seed: int, corpus: Corpus, settings: Settings, runs: Path | None) -> keras.Model:
    """Returns an OPT trained on the text, whose weights are kept in a folder."""
    import keras_hub

    keras.utils.set_random_seed(seed)
    backbone = keras_hub.models.OPTBackbone(
        vocabulary_size=len(corpus.vocabulary),
        num_layers=settings.layers,
        num_heads=settings.heads,
        hidden_dim=settings.width,
        intermediate_dim=4 * settings.width,
        dropout=settings.dropout,
        max_sequence_length=settings.length,
    )
    model = keras_hub.models.OPTCausalLM(backbone)
    x, y = windows(corpus.train, settings.length)
    steps = epochs_of(corpus, settings) * (len(y) // settings.batch)
    warmup = max(1, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, steps - warmup, alpha=0.1, warmup_target=settings.rate, warmup_steps=warmup
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), loss)
    file = runs / f"seed_{seed}.weights.h5" if runs else None
    if file and file.is_file():
        model.load_weights(file)
        return model
    kl.fit(
        model,
        x,
        y,
        batch_size=settings.batch,
        epochs=epochs_of(corpus, settings),
        seed=seed,
        verbose=2,
    )
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        model.save_weights(file)
    return model


def epochs_of(corpus: Corpus, settings: Settings) -> int:
    """Returns the number of passes over the training text."""
    tokens = settings.length * settings.batch
    return max(1, round(settings.steps * tokens / len(corpus.train)))


def windows(ids: np.ndarray, length: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns inputs and next tokens of all windows of a text that don't overlap."""
    count = (len(ids) - 1) // length
    x = ids[: count * length].reshape(count, length)
    y = ids[1 : count * length + 1].reshape(count, length)
    return {"token_ids": x, "padding_mask": np.ones_like(x)}, y


def description(data_dir: str, corpus: Corpus, settings: Settings) -> str:
    """Returns the sentence on the page that says what was trained on what."""
    source = "the Penn Treebank" if data_dir else f"{TEXT.name}, on which it is tested too"
    return (
        f"An OPT of {settings.layers} blocks, {settings.width} wide, trained for "
        f"{settings.steps} steps on {len(corpus.train):,} words of {source} (vocabulary "
        f"{len(corpus.vocabulary):,}, sequences of {settings.length}, batch {settings.batch}, "
        f"learning rate {settings.rate:g}). Calibration: {settings.samples} sequences of the "
        f"training text. Test: {len(corpus.test):,} words."
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
