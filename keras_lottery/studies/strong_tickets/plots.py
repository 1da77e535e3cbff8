"""Strong tickets: success of random subset sums, and the error of pruned random networks."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_lottery.report.plots.style import Drawing, legend, lines, new_figure, tidy
from keras_lottery.report.statistics import seed_counts
from keras_lottery.studies.strong_tickets.rows import NetworkRow, TransitionRow

_LOOKS = ("winning", "reinit", "permuted_layer", "permuted_global", "init_permuted", "one_shot")


def _looks(densities: Sequence[float]) -> dict[float, dict[str, Any]]:
    """Returns the line style of each density, with the colors and markers of other figures."""
    known = list(lines(_LOOKS).values())
    thin = {"linestyle": "-", "linewidth": 1.2, "markersize": 4.0}
    return {d: known[i % len(known)].options() | thin for i, d in enumerate(densities)}


def draw_transition(sums: Sequence[TransitionRow]) -> Drawing:
    """Draws the success rate against ε, and against n · H₂(k/n) / log₂(k/ε)."""
    figure = new_figure(8.2, 3.6)
    left, right = figure.subplots(1, 2, sharey=True)
    pairs = sorted({(row.n, row.k) for row in sums}, key=lambda pair: (pair[1] / pair[0], pair))
    densities = sorted({k / n for n, k in pairs})
    looks, most = _looks(densities), max(n for n, _ in pairs)
    for n, k in pairs:
        rows = [row for row in sums if (row.n, row.k) == (n, k)]
        ratios = sorted({row.ratio for row in rows})
        of_ratio = [[row for row in rows if row.ratio == rho] for rho in ratios]
        rates = [sum(r.successes for r in c) / sum(r.draws for r in c) for c in of_ratio]
        look = looks[k / n] | {"alpha": _alpha(n, most)}
        name = f"k/n = {k / n:g}" if n == most else None
        left.plot([c[0].error for c in of_ratio], rates, **look)
        right.plot(ratios, rates, label=name, **look)
    for axes in (left, right):
        tidy(axes)
    for n in sorted({n for n, _ in pairs}):
        right.plot([], [], color="black", alpha=_alpha(n, most), label=f"n = {n}")
    left.set_xscale("log")
    left.set_xlabel("ε, largest distance to the target sum", fontsize=9.5)
    right.set_xlabel("ρ = n · H₂(k/n) / log₂(k/ε)", fontsize=9.5)
    left.set_ylabel("draws with a subset nearer than ε\n[fraction of all]", fontsize=9.5)
    legend(right, outside=True)
    sizes = ", ".join(str(n) for n in sorted({n for n, _ in pairs}))
    return Drawing(
        "transition.png",
        figure,
        f"Success of random fixed-size subset sums: the share of {sums[0].draws} draws of n "
        f"numbers from Uniform[-1, 1] (n = {sizes}; darker is larger) with k of them whose sum is "
        "nearer than ε to the target z, for targets "
        f"{', '.join(f'{t:g}' for t in sorted({r.target for r in sums}))} × √k together. Left "
        "against ε, right against the ratio of Theorem 2, where the curves fall together.",
        "Success rate of random subset sums against the error and against the ratio of Theorem 2.",
    )


def _alpha(n: int, most: int) -> float:
    """Returns the opacity of a curve, by which the sizes are told apart."""
    return float((n / most) ** 1.5)


def draw_networks(networks: Sequence[NetworkRow], error: float) -> Drawing:
    """Draws the largest output error of every network against n."""
    figure = new_figure(7.2, 3.8)
    axes = figure.subplots()
    tidy(axes)
    densities = sorted({row.density for row in networks})
    looks = _looks(densities)
    for density in densities:
        look = looks[density]
        name: str | None = f"k/n = {density:g}"
        for seed in sorted({row.seed for row in networks}):
            rows = [row for row in networks if (row.density, row.seed) == (density, seed)]
            rows.sort(key=lambda row: row.n)
            if rows:
                axes.plot([r.n for r in rows], [r.output_error for r in rows], label=name,
                          alpha=0.8, **look)  # fmt: skip
                name = None
    axes.axhline(error, color="black", linewidth=0.9, linestyle=":", label=f"required: {error:g}")
    axes.set_yscale("log")
    axes.set_xlabel("n, candidates per target weight and sign", fontsize=9.5)
    axes.set_ylabel("largest error of an output\non the test set [logits]", fontsize=9.5)
    legend(axes)
    low = min(row.output_error for row in networks)
    axes.set_ylim(bottom=np.float64(low) / 2)
    return Drawing(
        "networks.png",
        figure,
        "Largest difference between an output of the pruned random network and the trained "
        "target's, against the number of candidates n; one line per seed, each up to the first "
        f"sufficient n; n = {seed_counts([len({row.seed for row in networks})])}.",
        "Output error of pruned random networks against the number of candidates, by density.",
    )
