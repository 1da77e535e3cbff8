"""Masks of different seeds: their overlap, and how well one works for another seed."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.validation import seed_arms
from benchmarks.validation.magnitude import Compared, compare
from keras_lottery import engine
from keras_lottery.config import Config, freeze, presets
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tasks import make_task
from keras_lottery.tickets import Ticket, load_state, overlap, total
from keras_lottery.types import MaskSet, Training

SPARSEST = 3
"""Number of the sparsest levels at which the controls are trained."""

DRAWS = 2
CONTROLS = (
    "reinit",
    "permuted_layer",
    "permuted_within_pixel",
    "other_seed",
    "other_seed_input_permuted",
)


def experiment(out: Path, backend: str) -> Config:
    """Returns the quickstart with the controls of this question."""
    fields = {
        "name": "validation-seeds",
        "seeds": seed_arms.SEEDS,
        "arms": ("winning", *CONTROLS),
        "draws": DRAWS,
        "out": str(out),
        "backend": backend,
    }
    settings = presets.load("quickstart", fields).to_dict()
    rounds = settings["prune"]["rounds"]
    sparsest = tuple(range(rounds - SPARSEST + 1, rounds + 1))
    settings["prune"]["arm_rounds"] = dict.fromkeys(CONTROLS, sparsest)
    return freeze(settings)


def run(out: Path, backend: str) -> RunPaths:
    """Trains the tickets of every round, and the controls at the sparsest levels."""
    seed_arms.register()
    return RunPaths(engine.run(experiment(out, backend)))


@dataclass(frozen=True)
class Shared:
    """Overlap of two seeds' masks, averaged over pairs of seeds.

    Args:
        round: the round of both.
        variable: path, or `all`.
        remaining: fraction of all weights remaining.
        density: fraction of this variable's weights kept.
        pairs: pairs of seeds.
        share: 2 |a ∧ b| / (|a| + |b|).
        low: smallest pair.
        high: largest pair.
        chance: `share` expected of masks with these densities of the variables.
        chance_inputs: the same, with the number of weights of each input fixed in the first layer.
        jaccard: |a ∧ b| / |a ∨ b|.
        chance_jaccard: expected as `chance`.
    """

    round: int
    variable: str
    remaining: float
    density: float
    pairs: int
    share: float
    low: float
    high: float
    chance: float
    chance_inputs: float
    jaccard: float
    chance_jaccard: float


def shared(paths: RunPaths, rounds: Sequence[int]) -> list[Shared]:
    """Returns the overlap of the winning masks in each round, in all and by variable."""
    found = []
    for number in rounds:
        masks = [_winning(paths, seed, number).masks for seed in seed_arms.SEEDS]
        kept = np.mean([sum(m.sum() for m in one.values()) for one in masks])
        remaining = float(kept / sum(m.size for m in masks[0].values()))
        for variable in ("all", *sorted(masks[0])):
            chosen = [m if variable == "all" else {variable: m[variable]} for m in masks]
            found.append(shared_at(number, variable, remaining, chosen, input_of=masks[0]))
    return found


def shared_at(
    number: int, variable: str, remaining: float, masks: Sequence[MaskSet], input_of: MaskSet
) -> Shared:
    """Returns the means over pairs of `masks`."""
    pairs = list(itertools.combinations(masks, 2))
    totals = [total(overlap(a, b).values()) for a, b in pairs]
    shares = [pair.share for pair in totals]
    size = sum(m.size for m in masks[0].values())
    return Shared(
        number,
        variable,
        remaining,
        float(np.mean([sum(m.sum() for m in one.values()) / size for one in masks])),
        len(pairs),
        float(np.mean(shares)),
        min(shares),
        max(shares),
        float(np.mean([pair.expected_share for pair in totals])),
        float(np.mean([chance_inputs(a, b, seed_arms.input_kernel(input_of)) for a, b in pairs])),
        float(np.mean([pair.jaccard for pair in totals])),
        float(np.mean([pair.expected_jaccard for pair in totals])),
    )


def chance_inputs(a: MaskSet, b: MaskSet, path: str) -> float:
    """Returns the expected share if the kernel at `path` keeps each input's number of weights.

    Input i of n_i weights is expected to have a_i b_i / n_i in common, other variables
    Σ a b / n.
    """
    by_variable = overlap(a, b)
    expected = {p: one.expected_both for p, one in by_variable.items()}
    if path in a:
        expected[path] = float((a[path].sum(1) * b[path].sum(1) / a[path].shape[1]).sum())
    everything = total(by_variable.values())
    return 2 * sum(expected.values()) / max(everything.kept_a + everything.kept_b, 1)


def chain_against_torch(paths: RunPaths, rounds: Sequence[int], seed: int = 0) -> list[Compared]:
    """Compares each cut of a chain of rounds with torch's on the same trained weights."""
    found = []
    dense = load_state(paths.trained(Training("", "vision", seed, 0, "dense")))
    for number in rounds:
        ours = _winning(paths, seed, number).masks
        if number == min(rounds):
            before, weights = {p: np.ones_like(m) for p, m in ours.items()}, dense
        else:
            last = Training("", "vision", seed, number - 1, "winning")
            before, weights = Ticket.load(paths.ticket(last)).masks, load_state(paths.trained(last))
        found.append(compare(f"digits, trained, round {number}", weights, before, ours))
    return found


@dataclass(frozen=True)
class Connected:
    """The fraction of an arm's kept weights that can affect the output.

    Args:
        arm: the arm of the masks.
        round: their round.
        remaining: fraction of all weights remaining.
        share: of the kept weights, those on a path of kept weights from a pixel that is not 0 in
            every training image to an output; mean over seeds and draws.
    """

    arm: str
    round: int
    remaining: float
    share: float


def connected(paths: RunPaths, backend: str) -> list[Connected]:
    """Returns the connected share of each arm and round."""
    pixels = inputs_in_use(paths, backend)
    shares: dict[tuple[str, int], list[float]] = defaultdict(list)
    left: dict[int, list[float]] = defaultdict(list)
    for row in read_results(paths.results):
        if row.arm != "dense":
            masks = Ticket.load(paths.ticket(row.training)).masks
            shares[row.arm, row.round].append(connected_share(masks, pixels))
            left[row.round].append(row.remaining)
    return [
        Connected(arm, number, float(np.mean(left[number])), float(np.mean(found)))
        for (arm, number), found in sorted(shares.items())
    ]


def connected_share(masks: MaskSet, inputs: np.ndarray) -> float:
    """Returns the fraction of the kept weights on a path from an input to an output.

    Args:
        masks: kernels (inputs, outputs) of a chain of dense layers, in path order.
        inputs: True for inputs that are in use.
    """
    kernels = [masks[path] for path in sorted(masks)]
    reached = [inputs]
    for kernel in kernels:
        reached.append(kernel[reached[-1]].any(axis=0))
    used = [np.ones(kernels[-1].shape[1], bool)]
    for kernel in reversed(kernels):
        used.insert(0, np.any(kernel[:, used[0]], axis=1))
    on_path = sum(int(k[r][:, u].sum()) for k, r, u in zip(kernels, reached, used[1:]))
    return on_path / max(sum(int(k.sum()) for k in kernels), 1)


def inputs_in_use(paths: RunPaths, backend: str) -> np.ndarray:
    """Returns False for the pixels that are 0 in every training image."""
    task = make_task(experiment(paths.root.parent, backend))
    x = task.images.train.x  # type: ignore[attr-defined]
    return x.reshape(len(x), -1).any(axis=0)


def _winning(paths: RunPaths, seed: int, number: int) -> Ticket:
    return Ticket.load(paths.ticket(Training("", "vision", seed, number, "winning")))
