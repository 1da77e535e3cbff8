"""Time and memory of one global cut over 50 M weights, beside NumPy's argsort and partition.

    python benchmarks/global_cut.py [--millions 50] [--pairs 11] [--sparsity 0.2] [--skip argsort]

Each contender makes the masks of the next round from weights in 20 layers. The ratios are of
pairs timed in turn in one run: median and 95 % interval. Peak memory is what is allocated on top
of the weights, the masks made included (1 byte a weight).
"""

import argparse
import tracemalloc
from collections.abc import Callable

import numpy as np
from interleaved import Sample, interleaved

from keras_lottery.pruning import prune_to
from keras_lottery.types import MaskSet, VariableInfo, Weights


def made_weights(size: int, layers: int = 20) -> Weights:
    """Normal weights in layers of unequal size and scale."""
    rng = np.random.default_rng(0)
    shares = np.arange(1, layers + 1)
    sizes = size * shares // shares.sum()
    sizes[-1] += size - sizes.sum()
    return {
        f"layers/{i:02d}/kernel": rng.standard_normal(n, np.float32) / np.float32(n**0.5)
        for i, n in enumerate(sizes)
    }


def by_argsort(weights: Weights, k: int) -> MaskSet:
    """The plain way: an exact count."""
    flat = np.concatenate([np.abs(w) for w in weights.values()])
    keep = np.ones(flat.size, bool)
    keep[np.argsort(flat)[:k]] = False
    ends = np.cumsum([w.size for w in weights.values()])[:-1]
    return dict(zip(weights, np.split(keep, ends)))


def by_partition(weights: Weights, k: int) -> MaskSet:
    """The usual faster way: prunes too much on ties."""
    flat = np.concatenate([np.abs(w) for w in weights.values()])
    threshold = np.partition(flat, k - 1)[k - 1]
    return {path: np.abs(w) > threshold for path, w in weights.items()}


def peak_bytes(call: Callable[[], object]) -> int:
    """Returns the peak of what `call` allocates, its result included."""
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--millions", type=float, default=50, help="millions of weights")
    parser.add_argument("--pairs", type=int, default=11, help="timings of each")
    parser.add_argument("--sparsity", type=float, default=0.2, help="fraction removed")
    parser.add_argument("--skip", action="append", default=[], help="a contender to leave out")
    options = parser.parse_args()
    size = int(options.millions * 1e6)
    weights = made_weights(size)
    infos = [VariableInfo(path, w.shape) for path, w in weights.items()]
    k = int(options.sparsity * size)
    half = prune_to(weights, {}, infos, 0.5)
    full = {path: np.ones(w.shape, bool) for path, w in weights.items()}
    later = 0.5 + 0.5 * options.sparsity
    contenders: dict[str, Callable[[], object]] = {
        "radix, first round": lambda: prune_to(weights, full, infos, options.sparsity),
        "radix, from half": lambda: prune_to(weights, half, infos, later),
        "partition": lambda: by_partition(weights, k),
        "argsort": lambda: by_argsort(weights, k),
    }
    contenders = {name: c for name, c in contenders.items() if name not in options.skip}
    seconds = interleaved(contenders, options.pairs)
    base = seconds["radix, first round"]
    print(f"{size:,} float32 weights, {options.sparsity:.0%} pruned, {options.pairs} pairs")
    print(f"{'':20} {'seconds':>24} {'ratio to radix':>24} {'peak MB':>8}")
    for name, values in seconds.items():
        peak = peak_bytes(contenders[name]) / 1e6
        print(f"{name:20} {Sample(values)!s:>24} {Sample(values / base)!s:>24} {peak:8.0f}")


if __name__ == "__main__":
    main()
