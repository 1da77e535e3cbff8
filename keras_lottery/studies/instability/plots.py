"""Instability against the step at which copies branch off, and the errors between them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from keras_lottery.report.formatting import percent
from keras_lottery.report.plots.style import (
    SEEDS_CAPTION,
    Drawing,
    legend,
    lines,
    mean_bars,
    new_figure,
    tidy,
)
from keras_lottery.report.statistics import seed_counts
from keras_lottery.studies.instability.lines import Line


def draw_instability(measured: "Sequence[Line]", stable: float) -> Drawing:
    """Draws the mean instability of each subject over seeds, on test and on training data."""
    figure = new_figure(7.2, 3.8)
    axes = figure.subplots()
    tidy(axes)
    subjects = list(dict.fromkeys(line.subject for line in measured))
    steps = sorted({line.step for line in measured})
    looks = lines(subjects)
    if "dense" in looks:  # its mark in other figures is a short line
        looks["dense"] = replace(looks["dense"], marker="s")
    for subject in subjects:
        of_subject = [line for line in measured if line.subject == subject]
        places = [steps.index(line.step) for line in of_subject]
        for split, shown in (("test", {}), ("train", {"alpha": 0.45, "linestyle": ":"})):
            values = [np.array(list(line.barriers[split].values())) * 100 for line in of_subject]
            spread = [v.std(ddof=1) if len(v) > 1 else np.nan for v in values]
            label = subject if split == "test" else f"{subject}, training data"
            seeds = values if split == "test" else ()
            means = [float(v.mean()) for v in values]
            mean_bars(axes, places, means, spread, looks[subject], seeds, label=label, **shown)
    axes.axhline(stable * 100, color="black", linewidth=0.8, linestyle="--", zorder=1.5)
    axes.set_xticks(range(len(steps)), [f"{step:,}" for step in steps])
    axes.set_xlabel("k, from which the copies are trained [optimizer steps]", fontsize=9.5)
    axes.set_ylabel("instability [points of error]", fontsize=9.5)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    legend(axes)
    return Drawing(
        "instability.png",
        figure,
        "Instability of copies trained from step k with different data orders: the largest error "
        "on the line between two copies minus the mean of their errors. Means over seeds, bars ± 1 "
        f"standard deviation between seeds; n = {_seeds(measured)}. Dotted: the same on training "
        f"data; dashed: {stable:.0%}, below which copies count as stable. Steps are evenly spaced."
        f"{SEEDS_CAPTION}",
        f"Instability of {' and '.join(subjects)} against the step from which copies are trained.",
    )


def _seeds(measured: "Sequence[Line]") -> str:
    return seed_counts([len(line.barriers["test"]) for line in measured])


def draw_path(measured: "Sequence[Line]") -> Drawing:
    """Draws the mean test error along the lines, one panel per subject, one curve per step."""
    subjects = list(dict.fromkeys(line.subject for line in measured))
    figure = new_figure(3.7 * max(2, len(subjects)), 3.6)
    panels = figure.subplots(1, len(subjects), sharey=True, squeeze=False)[0]
    steps = sorted({line.step for line in measured})
    looks = lines([f"k = {step:,}" for step in steps])
    for axes, subject in zip(panels, subjects, strict=True):
        tidy(axes)
        of_subject = [line for line in measured if line.subject == subject]
        for line in of_subject:
            mean = np.mean(list(line.errors["test"].values()), axis=0) * 100
            name = f"k = {line.step:,}"
            options = looks[name].options() | {"marker": "", "linestyle": "-"}
            axes.plot(line.alphas, mean, label=name, **options)
        axes.set_title(
            f"{subject}, {percent(of_subject[0].remaining)} of the weights", fontsize=9.5
        )
        axes.set_xlabel("α [share of W₁]", fontsize=9.5)
    panels[0].set_ylabel("test error [%]", fontsize=9.5)
    legend(panels[0])
    return Drawing(
        "path.png",
        figure,
        "Test error of α W₁ + (1 − α) W₂, for copies W₁ and W₂ trained from step k with different "
        f"data orders: means over pairs and seeds; n = {_seeds(measured)}.",
        f"Test error on the line between copies of {' and '.join(subjects)}.",
    )
