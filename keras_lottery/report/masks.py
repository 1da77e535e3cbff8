"""Statistics of a run's masks: density per variable, overlap between seeds."""

import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd

from keras_lottery.errors import LotteryError
from keras_lottery.records import ResultRow, check_masks, read_layers, series
from keras_lottery.report.kept_rows import (
    DENSITIES,
    OVERLAPS,
    DensityRow,
    OverlapRow,
    read_kept,
    short,
)
from keras_lottery.report.results import DENSE, Results
from keras_lottery.tickets import Ticket, overlap, total
from keras_lottery.types import MaskSet


@dataclass(frozen=True)
class Densities:
    """Density per variable over the rounds of one arm, as means over seeds.

    Args:
        arm: the arm of the masks.
        rounds: rounds with layer tables.
        remaining: fraction of all masked weights kept, `(rounds,)`.
        paths: variables.
        density: fraction of each variable kept, `(paths, rounds)`.
        sizes: weights of each variable, `(paths,)`.
        seeds: number of seeds.
    """

    arm: str
    rounds: tuple[int, ...]
    remaining: np.ndarray
    paths: tuple[str, ...]
    density: np.ndarray
    sizes: np.ndarray
    seeds: int

    @property
    def is_uniform(self) -> bool:
        """Whether every variable has the density of all weights, to a thousandth."""
        return bool(np.allclose(self.density, self.remaining, rtol=1e-3, atol=0))


@dataclass(frozen=True)
class SeedOverlap:
    """Overlap of the masks of different seeds in one round.

    Args:
        remaining: fraction of the weights kept, mean over seeds.
        mean: share of the kept weights that a pair of seeds has in common, mean over pairs.
        low: the same of the pair with the smallest share.
        high: the same of the pair with the largest share.
        chance: the share expected of masks shuffled within each variable.
        chance_global: the share expected of masks shuffled over all variables.
        pairs: number of pairs of seeds.
    """

    round: int
    remaining: float
    mean: float
    low: float
    high: float
    chance: float
    chance_global: float
    pairs: int


def densities(results: Results, arm: str) -> Densities | None:
    """Returns the densities of an arm's masks, from layer tables or else from the kept table.

    None if there is neither.
    """
    layers = [
        (row.round, row.seed, layer.path, layer.kept, layer.size)
        for row in _rows(results, arm)
        for layer in read_layers(results.paths.layers(row.training), row)
    ]
    if not layers:
        return _kept_densities(results, arm)
    table = pd.DataFrame(layers, columns=["round", "seed", "path", "kept", "size"])
    means = table.pivot_table("kept", "path", "round").loc[sorted(set(table["path"]), key=natural)]
    size = table.groupby("path")["size"].last()[means.index].to_numpy()
    return Densities(
        arm, tuple(means.columns), means.sum().to_numpy() / size.sum(), tuple(means.index),
        means.to_numpy() / np.maximum(size, 1)[:, None], size, table["seed"].nunique(),
    )  # fmt: skip


def _kept_densities(results: Results, arm: str) -> Densities | None:
    kept = read_kept(results.paths.root, DENSITIES, DensityRow, results.task)
    rows = [row for row in kept if row.arm == arm]
    if not rows:
        return None
    table = pd.DataFrame([vars(row) for row in rows])
    seeds, trained = int(table["seeds"].max()), len({row.seed for row in _rows(results, arm)})
    if seeds != trained:
        raise LotteryError(
            f"{results.paths.root / DENSITIES}: expected the {trained} seeds of `{arm}` in "
            f"results.csv. Received: {seeds}. Write the page again from its run folder."
        )
    names = sorted(set(table["path"]), key=natural)
    density = table.pivot_table("density", "path", "round").loc[names]
    remaining = table.groupby("round")["remaining"].last()[density.columns].to_numpy()
    size = table.groupby("path")["size"].last()[names].to_numpy()
    return Densities(
        arm, tuple(density.columns), remaining, tuple(names), density.to_numpy(), size,
        seeds,
    )  # fmt: skip


def density_rows(results: Results, arm: str) -> list[DensityRow]:
    """Returns the densities of an arm as rows of the kept table."""
    of_arm = densities(results, arm)
    if of_arm is None:
        return []
    return [
        DensityRow(
            results.task, arm, int(number), short(of_arm.remaining[column]), path,
            int(of_arm.sizes[row]), short(of_arm.density[row, column]), of_arm.seeds,
        )
        for column, number in enumerate(of_arm.rounds)
        for row, path in enumerate(of_arm.paths)
        if np.isfinite(of_arm.density[row, column])
    ]  # fmt: skip


def grouped(densities: Densities, most: int) -> Densities:
    """Groups the variables by the start of their paths.

    Args:
        densities: the densities.
        most: maximum number of groups; fewer variables stay as they are. Paths are cut as late as
            possible.
    """
    depth = max(path.count("/") for path in densities.paths)
    names = list(densities.paths)
    while depth and len(set(names)) > most:
        names = ["/".join(path.split("/")[:depth]) for path in densities.paths]
        depth -= 1
    groups = tuple(dict.fromkeys(names))
    rows = [np.array([name == group for name in names]) for group in groups]
    sizes = np.array([densities.sizes[row].sum() for row in rows])
    density = [
        np.average(densities.density[row], axis=0, weights=np.maximum(densities.sizes[row], 1))
        for row in rows
    ]
    return replace(densities, paths=groups, density=np.array(density), sizes=sizes)


def overlaps(results: Results, arm: str) -> list[SeedOverlap]:
    """Returns the overlap between seeds per round, from tickets or else from the kept table.

    Empty with tickets of fewer than two seeds.
    """
    by_round: dict[int, list[ResultRow]] = defaultdict(list)
    for row in _rows(results, arm):
        if row.draw == 0 and results.paths.ticket(row.training).exists():
            by_round[row.round].append(row)
    if not by_round:
        return _kept_overlaps(results, arm)
    by_level = []
    for number, rows in sorted(by_round.items()):
        # One round at a time: the masks of a whole run may not fit into memory.
        masks = [_masks(results, row) for row in rows]
        if len(masks) > 1:
            by_level.append(seed_overlap(number, masks))
    return by_level


def _kept_overlaps(results: Results, arm: str) -> list[SeedOverlap]:
    rows = read_kept(results.paths.root, OVERLAPS, OverlapRow, results.task)
    names = [field.name for field in fields(SeedOverlap)]
    return [
        SeedOverlap(**{name: getattr(row, name) for name in names})
        for row in rows
        if row.arm == arm
    ]


def overlap_rows(results: Results, arm: str) -> list[OverlapRow]:
    """Returns the overlaps of an arm as rows of the kept table."""
    return [
        OverlapRow(
            results.task, arm, o.round, short(o.remaining), short(o.mean), short(o.low),
            short(o.high), short(o.chance), short(o.chance_global), o.pairs,
        )
        for o in overlaps(results, arm)
    ]  # fmt: skip


def seed_overlap(number: int, masks: Sequence[MaskSet]) -> SeedOverlap:
    """Returns the pairwise overlap of `masks`.

    A pair shares Σ_l |a_l ∧ b_l| of its (|a| + |b|) / 2 kept weights. Shuffled within each
    variable l of n_l weights, Σ_l |a_l| |b_l| / n_l are expected; over all n, |a| |b| / n.
    """
    pairs = [total(overlap(a, b).values()) for a, b in itertools.combinations(masks, 2)]
    shares = [pair.share for pair in pairs]
    expected_globally = [
        2 * pair.kept_a * pair.kept_b / pair.size / max(pair.kept_a + pair.kept_b, 1)
        for pair in pairs
    ]
    kept = [sum(m.sum() for m in ms.values()) / sum(m.size for m in ms.values()) for ms in masks]
    return SeedOverlap(
        round=number,
        remaining=float(np.mean(kept)),
        mean=float(np.mean(shares)),
        low=min(shares),
        high=max(shares),
        chance=float(np.mean([pair.expected_share for pair in pairs])),
        chance_global=float(np.mean(expected_globally)),
        pairs=len(pairs),
    )


def short_names(paths: tuple[str, ...]) -> list[str]:
    """Returns the paths without their common leading and trailing parts."""
    if len(paths) < 2:
        return list(paths)
    parts = [path.split("/") for path in paths]
    shortest = min(len(part) for part in parts)
    front = next((i for i in range(shortest) if len({p[i] for p in parts}) > 1), shortest - 1)
    back = next((i for i in range(shortest) if len({p[-1 - i] for p in parts}) > 1), 0)
    names = ["/".join(p[front : len(p) - back]) for p in parts]
    return names if all(names) and len(set(names)) == len(names) else list(paths)


def _rows(results: Results, arm: str) -> list[ResultRow]:
    return [row for row in results.rows if series(row) == arm and row.arm != DENSE]


def _masks(results: Results, row: ResultRow) -> MaskSet:
    ticket, table = (of(row.training) for of in (results.paths.ticket, results.paths.layers))
    masks = Ticket.load_masks(ticket)
    check_masks(table, read_layers(table, row), masks, ticket)
    return masks


def natural(path: str) -> list[tuple[int, str]]:
    """Sorts `dense_10` after `dense_2`."""
    digits = "".join(c if c.isdigit() else f"\0{c}\0" for c in path).split("\0")
    return [(int(part), "") if part.isdigit() else (0, part) for part in digits if part]
