"""The value of transferred tickets, by source and target, and by the size of the source."""

from collections.abc import Mapping

import numpy as np

from keras_lottery.report.formatting import percent, unit_of
from keras_lottery.report.masks import natural
from keras_lottery.report.plots.style import (
    RELIABLE,
    SEEDS_CAPTION,
    Drawing,
    Line,
    legend,
    mean_bars,
    new_figure,
    tidy,
)
from keras_lottery.report.results import WINNING, Results
from keras_lottery.report.sentences import sparse_range
from keras_lottery.report.statistics import levels, nearest_level, paired, seed_range

SPARSITIES = (0.80, 0.90, 0.95)


def draw_matrix(targets: Mapping[str, Results], control: str, sizes: Mapping[str, int]) -> Drawing:
    """Draws a cell per source and target: the ticket's value minus that of the control.

    Targets with the same metric share the color scale.

    Args:
        targets: rows of each target.
        control: the arm that is subtracted.
        sizes: training images of each source, by which they are sorted; 0: all of them.
    """
    known = {row.source or name for name, results in targets.items() for row in results.rows}
    others = sorted(
        known - targets.keys(), key=lambda name: (sizes.get(name) or np.inf, natural(name))
    )
    sources = [*targets, *others]  # own tickets: the diagonal
    units = [unit_of(results.rows) for results in targets.values()]
    metrics = np.array([unit.name for unit in units])
    values = np.full((len(sources), len(targets)), np.nan)
    intervals: dict[tuple[int, ...], str] = {}
    for column, (name, results) in enumerate(targets.items()):
        rounds, _ = sparse_range(results)
        for index, source in enumerate(sources):
            arm = WINNING if source == name else f"{WINNING} from {source}"
            pair = paired(results.rows, arm, control, rounds)
            if pair:
                factor = units[column].factor
                values[index, column] = pair.mean * factor
                if pair.n >= RELIABLE:
                    ends = f"[{pair.low * factor:+.2f}, {pair.high * factor:+.2f}]"
                    intervals[index, column] = f"\n{ends}"
    figure = new_figure(1.6 + 1.5 * len(targets), 1.2 + 0.6 * len(sources))
    axes = figure.subplots()
    strength = np.nan_to_num(np.abs(values))
    reach = np.array([strength[:, metrics == metric].max() or 1.0 for metric in metrics])
    alike = len(set(metrics)) == 1
    top = reach[0] if alike else 1.0
    shown = axes.imshow(values / reach * top, cmap="RdBu", vmin=-top, vmax=top, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        color = "white" if abs(value) > 0.6 * reach[column] else "black"
        text = f"{value:+.2f}" if np.isfinite(value) else "–"
        text += intervals.get((row, column), "")
        axes.text(
            column, row, text.replace("-", "−"), ha="center", va="center", fontsize=8, color=color
        )
    names, units_text = list(targets), [unit.noun for unit in units]
    if alike:
        bar = figure.colorbar(shown, ax=axes)
        bar.set_label(f"ticket −\n{control} [{units_text[0]}]", fontsize=8.5)
        bar.ax.tick_params(labelsize=8)
    else:
        axes.set_title(f"ticket − {control}", fontsize=9.5)
        names = [f"{name}\n{unit}" for name, unit in zip(names, units_text)]
    axes.set_xticks(range(len(targets)), names, fontsize=8.5)
    axes.set_yticks(range(len(sources)), sources, fontsize=8.5)
    axes.set_xlabel("trained on", fontsize=9.5)
    axes.set_ylabel("ticket from", fontsize=9.5)
    _, where = sparse_range(next(iter(targets.values())))
    own = "on the diagonal" if len(targets) > 1 else "in the target's row"
    rows = [row for results in targets.values() for row in results.rows]
    caption = (
        f"Mean paired difference to `{control}` {where}, over seeds, with its 95 % t interval "
        f"from {RELIABLE} seeds on; {own}, the target's own ticket. n = {seed_range(rows)}."
    )
    return Drawing("matrix.png", figure, caption, "Sources against targets, one value per cell.")


def draw_sizes(results: Results, target: str, sizes: Mapping[str, int], control: str) -> Drawing:
    """Draws value against the number of training images of the source, one line per level.

    Args:
        results: rows of the target.
        target: its name.
        sizes: training images of each source; 0: all of them, drawn last.
        control: drawn as a dotted line of the level's color.
    """
    unit = unit_of(results.rows)
    sources = [s for s in sizes if f"{WINNING} from {s}" in results.arms]
    sources.sort(key=lambda name: sizes[name] or np.inf)
    figure = new_figure(8.6, 4.0)
    axes = figure.subplots()
    tidy(axes)
    for index, sparsity in enumerate(SPARSITIES):
        level = nearest_level(results.rows, WINNING, sparsity)
        if level is None:
            continue
        color = ("#0072B2", "#E69F00", "#009E73")[index]
        by_source = [_at(results, f"{WINNING} from {s}", level.round) for s in sources]
        means = [lv.mean * unit.factor if lv else np.nan for lv in by_source]
        spread = np.nan_to_num([lv.sd if lv else np.nan for lv in by_source]) * unit.factor
        places = np.arange(len(sources)) + 0.05 * (index - 1)
        label = f"{percent(1 - level.remaining)} pruned"
        look = Line(color, "osv"[index])
        seeds = [unit.factor * np.array(lv.seeds if lv else ()) for lv in by_source]
        mean_bars(axes, places, means, spread, look, seeds, label=label)
        below = _at(results, control, level.round)
        if below:
            axes.axhline(below.mean * unit.factor, color=color, linestyle=":", linewidth=1,
                         label=f"{control}, {label}")  # fmt: skip
    axes.set_xticks(range(len(sources)), [f"{sizes[s]:,}" if sizes[s] else "all" for s in sources])
    axes.set_xlabel("training images of the source", fontsize=9.5)
    axes.set_ylabel(unit.with_unit(f"{unit.spoken} on {target}"), fontsize=9.5)
    legend(axes, outside=True)
    caption = (
        f"Tickets of sources of different sizes, trained on {target}; mean ± standard deviation "
        f"over seeds; n = {seed_range(results.rows)}. Dotted: `{control}` at the same level."
        f"{SEEDS_CAPTION}"
    )
    return Drawing(f"sizes-{target}.png", figure, caption, "Value by size of the source.")


def _at(results: Results, arm: str, number: int):  # type: ignore[no-untyped-def]
    return next((level for level in levels(results.rows, arm) if level.round == number), None)
