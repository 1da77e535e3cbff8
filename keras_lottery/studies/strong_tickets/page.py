"""The page of strong tickets: subset sums, single weights, and whole networks."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from keras_lottery.config.claims import Claim
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_results, read_rows
from keras_lottery.records.rows import Row
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.report.content import Content, add_settings, nothing_finished
from keras_lottery.report.document import Bullets, Details, Heading, Table, Text
from keras_lottery.report.formatting import count, number, percent
from keras_lottery.report.gaps import diverged
from keras_lottery.report.results import read_config
from keras_lottery.report.study_page import StudyPage
from keras_lottery.report.verdicts import Measurement
from keras_lottery.studies.strong_tickets.bounds import lower_bound, network_scale, subset_scale
from keras_lottery.studies.strong_tickets.plots import draw_networks, draw_transition
from keras_lottery.studies.strong_tickets.rows import (
    GADGETS,
    NETWORKS,
    TARGETS,
    TRANSITION,
    GadgetRow,
    NetworkRow,
    TargetRow,
    TransitionRow,
)


@dataclass(frozen=True)
class StudyTables:
    """The tables of a run folder of the study.

    Args:
        options: the config's section.
        sums: the subset sums.
        gadgets: the single weights.
        targets: the targets' layers.
        networks: all networks that were tried.
    """

    options: dict[str, Any]
    sums: Sequence[TransitionRow]
    gadgets: Sequence[GadgetRow]
    targets: Sequence[TargetRow]
    networks: Sequence[NetworkRow]

    @property
    def densities(self) -> list[float]:
        """The densities with at least one network."""
        return sorted({row.density for row in self.networks})

    def enough(self, density: float) -> list[NetworkRow]:
        """Returns, for each seed, the sufficient network with the smallest n, if there is one."""
        return [row for row in self.networks if row.enough and row.density == density]


def content(run: Path) -> Content:
    """Returns the page of the run in the folder `run`.

    Raises:
        LotteryError: the folder is no run folder, or no network is finished.
    """
    paths = RunPaths(run)
    record = read_config(paths)
    config = record.pop("config")
    title = f"{config['name']}: trained networks inside random ones"
    lost = diverged(read_results(paths.results)) if paths.results.exists() else []
    if lost and not (run / NETWORKS).exists():
        return nothing_finished(title, lost, config, record)
    if not (run / NETWORKS).exists():
        raise LotteryError(
            f"Expected at least one network in {run / NETWORKS}. Received: none. "
            "Continue with `keras-lottery run` and the same config."
        )
    tried = _rows(run / NETWORKS, NetworkRow)
    networks = [row for row in tried if np.isfinite(row.output_error)]
    lost += _not_finite([row for row in tried if row not in networks])
    if not networks:
        return nothing_finished(title, lost, config, record)
    tables = StudyTables(
        config["options"],
        _rows(run / TRANSITION, TransitionRow),
        _rows(run / GADGETS, GadgetRow),
        _rows(run / TARGETS, TargetRow),
        networks,
    )
    page = Content(title, [*sentences(tables), *lost])
    page.add(Heading(page.title, 1), Bullets(page.headline, strong=True))
    page.add(Heading("Random subset sums"))
    page.show(draw_transition(tables.sums), "")
    page.add(half_table(tables), Details("Success rates", [_sums_table(tables.sums)]))
    page.add(Heading("Single weights"), _gadget_table(tables.gadgets))
    page.add(Heading("Whole networks"), Text(_DENSITIES))
    page.show(draw_networks(tables.networks, tables.options["error"]), "")
    page.add(size_table(tables), network_table(tables))
    page.add(Details("Every network tried", [_every_table(tables.networks)]))
    add_settings(page, config, record)
    return page


def _rows(path: Path, kind: type[Row]) -> list[Row]:
    """Returns the rows of a table, which has one at least and none twice."""
    rows = read_rows(path, kind)
    if not rows or len(set(rows)) < len(rows):
        raise LotteryError(
            f"Expected different rows, one at least, in {path}. Received: "
            f"{'rows that are equal' if rows else 'none'}. Correct the file, or remove it and run "
            "the config again."
        )
    return rows


_DENSITIES = (
    "Every block of n candidates for one target weight and one sign of its input keeps exactly k: "
    "k/n is the density in the tables. The first layer of each pair keeps one connection per "
    "neuron and prunes all others, so the density over all weights is lower. "
    "Biases are weights from a constant input of 1."
)


def sentences(tables: StudyTables) -> list[str]:
    """Returns the headline sentences, computed from the tables."""
    headline = []
    seeds = len({row.seed for row in tables.networks})
    sizes = []
    for density in tables.densities:
        rows = tables.enough(density)
        ns = [row.n for row in rows]
        sizes.append(
            f"{_span(ns)} at density {percent(density)} ({len(rows)} of {seeds} seeds)"
            if rows
            else f"more than {tables.options['most']} at density {percent(density)}"
        )
    headline.append(
        "For a random network to match the trained one by pruning alone (outputs within "
        f"{tables.options['error']:g}, same prediction on {percent(tables.options['agreement'])} "
        "of the test set), it takes n candidate weights per target weight and sign of its input: "
        f"{', '.join(sizes)}."
    )
    halves = [rho for rho in half_ratios(tables.sums).values() if rho]
    if halves:
        headline.append(
            f"The success rate of random subset sums reaches a half at n · H₂(k/n) / log₂(k/ε) "
            f"from {number(min(halves), 2)} to {number(max(halves), 2)}, over {len(halves)} pairs "
            "(n, k)."
        )
    return headline


def half_ratios(sums: Sequence[TransitionRow]) -> dict[tuple[int, int], float | None]:
    """Returns (n, k) -> ρ at which half of the draws succeed, targets together.

    None: at no measured ratio, or from the smallest on.
    """
    halves: dict[tuple[int, int], float | None] = {}
    for n, k in sorted({(row.n, row.k) for row in sums}):
        ratios, rates = success(sums, n, k)
        above = np.flatnonzero(rates >= 0.5)
        place = int(above[0]) if len(above) else 0
        if not place:
            halves[n, k] = None
            continue
        low, high = rates[place - 1], rates[place]
        share = (0.5 - low) / (high - low)
        halves[n, k] = float(ratios[place - 1] + share * (ratios[place] - ratios[place - 1]))
    return halves


def success(sums: Sequence[TransitionRow], n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Returns ρ and the success rate there, all targets together."""
    table = pd.DataFrame([row for row in sums if (row.n, row.k) == (n, k)])
    counts = table.groupby("ratio")[["successes", "draws"]].sum()
    return counts.index.to_numpy(), (counts["successes"] / counts["draws"]).to_numpy()


def half_table(tables: StudyTables) -> Table:
    """Returns the ρ at which half of the draws succeed."""
    halves = half_ratios(tables.sums)
    rows = [
        [str(n), str(k), percent(k / n), number(rho, 2) if rho else "–"]
        for (n, k), rho in halves.items()
    ]
    note = "ρ = n · H₂(k/n) / log₂(k/ε); between the ratios that were counted, interpolated."
    return Table("Success rate of one half", ["n", "k", "k/n", "ρ"], rows, note)


def size_table(tables: StudyTables) -> Table:
    """Returns the smallest sufficient n, and its growth according to the theorems."""
    rows, error = [], float(tables.options["error"])
    layers = max((t.layer for t in tables.targets), default=1)
    widest = max(tables.targets, key=lambda t: t.inputs * t.outputs)
    weights = tables.networks[0].target_weights
    for density in tables.densities:
        enough = tables.enough(density)
        if not enough:
            rows.append([percent(density), "–", "–", *["–"] * 6])
            continue
        n = float(np.mean([row.n for row in enough]))
        k = n * density
        simple = subset_scale(k, density, error)
        whole = network_scale(layers, widest.inputs, widest.outputs, density, n, error)
        least = lower_bound(weights, 2 * k * weights, density, error) / (2 * weights)
        rows.append([
            percent(density), _span([row.n for row in enough]), number(n, 1),
            number(simple, 1), number(n / simple, 2), number(whole, 0), number(n / whole, 3),
            number(least, 1), number(n / least, 2),
        ])  # fmt: skip
    header = ["k/n", "smallest n", "mean", "log₂(k/ε)/H₂", "n ÷ it",
              "log₂²(2ℓ d d′ γ n/ε)/H₂", "n ÷ it", "lower bound on n", "n ÷ it"]  # fmt: skip
    note = (
        f"ε = {error:g}, the error of an output. The two quotients in the middle are fitted "
        "constants (c_hyp of Theorem 2, c_amp of Theorem 3), not the paper's. The lower bound is "
        "Theorem 5's, for as many candidates per weight as the second layers have, with the "
        "target's weights for d². n takes the values for which k is a whole number."
    )
    return Table("Smallest sufficient n", header, rows, note)


def network_table(tables: StudyTables) -> Table:
    """Returns the sufficient networks, one row per density and seed."""
    rows = [
        [
            percent(row.density), str(row.seed), str(row.n), str(row.k),
            _small(row.output_error), _small(row.bound), percent(row.agreement),
            percent(row.accuracy), percent(row.target_accuracy), count(row.kept),
            count(row.total), percent(row.kept / row.total), number(row.seconds, 1),
        ]
        for density in tables.densities
        for row in tables.enough(density)
    ]  # fmt: skip
    header = ["k/n", "seed", "n", "k", "output error", "bound on [-1, 1]", "equal predictions",
              "accuracy", "target's", "kept", "weights", "density over all", "seconds"]  # fmt: skip
    note = (
        "Output error: largest difference of a logit on the test set, through Keras. The bound "
        "holds for every input from -1 to 1. Seconds: choosing the kept weights."
    )
    return Table("The networks", header, rows, note)


def _every_table(networks: Sequence[NetworkRow]) -> Table:
    rows = [
        [percent(r.density), str(r.seed), str(r.n), str(r.k), _small(r.output_error),
         _small(r.weight_error), percent(r.agreement), percent(r.accuracy)]
        for r in sorted(networks, key=lambda r: (r.density, r.seed, r.n))
    ]  # fmt: skip
    header = ["k/n", "seed", "n", "k", "output error", "largest weight error",
              "equal predictions", "accuracy"]  # fmt: skip
    return Table("", header, rows)


def _sums_table(sums: Sequence[TransitionRow]) -> Table:
    ratios = sorted({row.ratio for row in sums})
    rows = []
    for n, k in sorted({(row.n, row.k) for row in sums}):
        rates = dict(zip(*success(sums, n, k), strict=True))
        cells = [number(rates[rho], 2) if rho in rates else "–" for rho in ratios]
        rows.append([f"({n}, {k})", *cells])
    return Table("", ["(n, k)", *(f"ρ = {rho:g}" for rho in ratios)], rows)


def _gadget_table(gadgets: Sequence[GadgetRow]) -> Table:
    rows = [
        [str(row.n), str(row.k), percent(row.k / row.n), _small(row.median), _small(row.ninety),
         str(row.draws)]
        for row in gadgets
    ]  # fmt: skip
    note = (
        "Largest |y - w·x| over x in [-1, 1] with y = Σ a_j relu(b_j x), n candidates of either "
        "sign of b and k kept of each; w, a and |b| uniform."
    )
    header = ["n", "k", "k/n", "median", "90th percentile", "draws"]
    return Table("", header, rows, note)


def _span(ns: Sequence[int]) -> str:
    return str(ns[0]) if min(ns) == max(ns) else f"{min(ns)} to {max(ns)}"


def _small(value: float) -> str:
    return f"{value:.2g}" if value < 1 else number(value, 1)


def _not_finite(rows: Sequence[NetworkRow]) -> list[str]:
    names = "; ".join(f"seed {row.seed} n = {row.n} at {row.density:g}" for row in rows)
    return [f"Outputs that are not finite: {names}. They are left out."] if rows else []


def measurements(run: Path, claim: Claim) -> list[Measurement]:
    """Reads the smallest sufficient n of each seed, as the arm `n at density D`.

    It is NaN for a seed without one, so a claim that reads it is not shown.
    """
    rows = _rows(run / NETWORKS, NetworkRow) if (run / NETWORKS).exists() else []
    enough: dict[tuple[float, int], list[int]] = {}
    for row in rows:
        enough.setdefault((row.density, row.seed), []).extend([row.n] * row.enough)
    return [
        Measurement(f"n at density {density:g}", 1, 1.0, seed, min(ns, default=np.nan))
        for (density, seed), ns in enough.items()
    ]


PAGE = StudyPage(content, measurements, higher_is_better=False)
