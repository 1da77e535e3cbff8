"""Time and memory of one global threshold over 50 M weights, against NumPy's argsort and partition.

    python -m benchmarks.global_cut [--pairs 11]

Each computes the next round's masks from weights in 20 layers. Peak memory is allocated on top of
the weights and includes the new masks (1 byte per weight).
"""

import tracemalloc
from collections.abc import Callable

import numpy as np

from benchmarks.command import Measured, Options, main
from benchmarks.compare import Sample, in_turn, ratios
from benchmarks.table import Row
from keras_lottery.pruning import prune_to
from keras_lottery.types import MaskSet, VariableInfo, Weights

ABOUT = (
    "The package's global threshold against NumPy's partition, which prunes too much on ties, and "
    "sort."
)
SIZE = 50_000_000
SPARSITY = 0.2
# Limit for 50 M weights, on the machine of the table.
SECONDS = 0.3


def made_weights(size: int, layers: int = 20) -> Weights:
    """Returns normal weights in layers of unequal size and scale."""
    rng = np.random.default_rng(0)
    shares = np.arange(1, layers + 1)
    sizes = size * shares // shares.sum()
    sizes[-1] += size - sizes.sum()
    return {
        f"layers/{i:02d}/kernel": rng.standard_normal(n, np.float32) / np.float32(n**0.5)
        for i, n in enumerate(sizes)
    }


def by_argsort(weights: Weights, k: int) -> MaskSet:
    """Sorts all magnitudes: simple, with an exact count."""
    flat = np.concatenate([np.abs(w) for w in weights.values()])
    keep = np.ones(flat.size, bool)
    keep[np.argsort(flat)[:k]] = False
    ends = np.cumsum([w.size for w in weights.values()])[:-1]
    return dict(zip(weights, np.split(keep, ends)))


def by_partition(weights: Weights, k: int) -> MaskSet:
    """Uses a threshold: faster, but prunes too much on ties."""
    flat = np.concatenate([np.abs(w) for w in weights.values()])
    threshold = np.partition(flat, k - 1)[k - 1]
    return {path: np.abs(w) > threshold for path, w in weights.items()}


def peak_bytes(call: Callable[[], object]) -> int:
    """Returns the peak memory that `call` allocates, its result included."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def measure(options: Options) -> Measured:
    """Returns the ratio of the package's cut to each NumPy version, and its own time."""
    size = 200_000 if options.quick else SIZE
    weights = made_weights(size)
    infos = [VariableInfo(path, w.shape) for path, w in weights.items()]
    k = int(SPARSITY * size)
    half = prune_to(weights, {}, infos, 0.5)
    full = {path: np.ones(w.shape, bool) for path, w in weights.items()}
    later = 0.5 + 0.5 * SPARSITY
    candidates: dict[str, Callable[[], object]] = {
        "radix, first round": lambda: prune_to(weights, full, infos, SPARSITY),
        "radix, from half": lambda: prune_to(weights, half, infos, later),
        "partition": lambda: by_partition(weights, k),
        "argsort": lambda: by_argsort(weights, k),
    }
    seconds = in_turn(candidates, options.pairs)
    peaks = {name: peak_bytes(call) / 1e6 for name, call in candidates.items()}
    text = {
        name: f"{name}: {np.median(values):.3g} s, peak {peaks[name]:.0f} MB"
        for name, values in seconds.items()
    }
    case = f"{size:,} float32 weights, {SPARSITY:.0%} pruned"
    rows = [
        Row.of(case, text[this], text[to], ratios(seconds, this, to), 1.0)
        for this in ("radix, first round", "radix, from half")
        for to in ("partition", "argsort")
    ]
    rows += [
        Row.of(case, text[name], f"the limit: {SECONDS} s", Sample(seconds[name] / SECONDS), 1.0)
        for name in ("radix, first round", "radix, from half")
    ]
    return Measured(rows, [])


if __name__ == "__main__":
    main("global_cut", ABOUT, measure, keras=False)
