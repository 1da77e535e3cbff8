"""What stands in a report, in its order: the blocks, and the figures that they show."""

from dataclasses import dataclass, field, replace
from typing import Any

from keras_lottery.report import prune_at_init, tables
from keras_lottery.report.document import Bullets, Details, Heading, Image, Text
from keras_lottery.report.families import at_start, families, without_families
from keras_lottery.report.gaps import dead, diverged, missing
from keras_lottery.report.masks import densities, overlaps
from keras_lottery.report.plots import (
    Drawing,
    draw_ablations,
    draw_curves,
    draw_density,
    draw_overlap,
    draw_sanity,
    draw_spectrum,
    draw_speed,
    draw_tickets,
)
from keras_lottery.report.results import Results
from keras_lottery.report.samples import samples_table
from keras_lottery.report.sentences import (
    ablations,
    comparisons,
    headline,
    learning_speed,
    measured_otherwise,
)


@dataclass
class Content:
    """The blocks of a report and its figures.

    Args:
        title: heading of the page.
        headline: the sentences that the page is about, computed from the tables.
        blocks: what stands on the page, the title first.
        drawings: the figures that the blocks show.
    """

    title: str
    headline: list[str] = field(default_factory=list)
    blocks: list[Any] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)

    def add(self, *blocks: Any) -> None:
        """Adds blocks; None and lists without a sentence are left out."""
        self.blocks.extend(b for b in blocks if b is not None and b != Bullets([]))

    def show(self, drawing: Drawing, suffix: str) -> None:
        """Adds a figure; `suffix` keeps the files of a second task apart."""
        file = drawing.file.replace(".png", f"{suffix}.png")
        self.drawings.append(replace(drawing, file=file))
        self.add(Image(file, drawing.caption, drawing.alt))


def content(found: list[Results]) -> Content:
    """Returns the report of a search for tickets, the config's own task first."""
    page = Content(f"{found[0].name}: tickets and controls", headlines(found))
    page.add(Heading(page.title, 1))
    for index, results in enumerate(found):
        if index:
            page.add(Heading(f"Task {results.task}", 1))
        _add_results(page, results, f"-{results.task}" if index else "")
    add_settings(page, found[0].config, found[0].facts)
    return page


def add_settings(page: Content, config: dict[str, Any], facts: dict[str, Any]) -> None:
    """Adds what stands at the end of every page: the config, and what it was made with."""
    page.add(Heading("Settings"), tables.config_table(config))
    page.add(Details("All settings", [tables.full_config_table(config)]))
    page.add(Heading("Made with"), tables.facts_table(facts))


def headlines(found: list[Results]) -> list[str]:
    """Returns the sentences that a search for tickets is about, without drawing anything."""
    many = len(found) > 1
    return [f"{s.task}: {text}" if many else text for s in found for text in _headline(s)]


def _headline(results: Results) -> list[str]:
    compared = headline(without_families(results)) if results.rows else []
    return [*compared, *diverged(results.lost), *dead(results)]


def nothing_finished(
    title: str, sentences: list[str], config: dict[str, Any], facts: dict[str, Any]
) -> Content:
    """Returns the page of a run whose trainings all diverged."""
    page = Content(title, sentences)
    page.add(Heading(title, 1), Bullets(sentences, strong=True))
    add_settings(page, config, facts)
    return page


def _add_results(page: Content, whole: Results, suffix: str) -> None:
    results = without_families(whole)
    page.add(Bullets(_headline(whole), strong=True))
    lacking = missing(whole)
    if lacking:
        page.add(Heading("What is missing", 3), Bullets(lacking))
    if not whole.rows:
        return
    page.show(draw_tickets(results), suffix)
    page.add(samples_table(results))
    page.add(Heading("Numbers"), tables.level_table(results), tables.difference_table(results))
    page.add(tables.match_table(results))
    if (beside := tables.beside_table(results)) is not None:
        page.add(Details("Beside the dense network at every level", [beside]))
    page.add(Details("Every level and arm", [tables.arm_table(results)]))
    _add_ablations(page, results, suffix)
    _add_learning(page, results, suffix)
    for title, family in families(whole).items():
        _add_family(page, title, family, suffix)
    _add_masks(page, results, suffix)


def _add_ablations(page: Content, results: Results, suffix: str) -> None:
    """Adds what iteration and late rewinding bring, where the arms without them were trained."""
    drawing = draw_ablations(results)
    if drawing is not None:
        page.add(Heading("Iteration and late rewinding"), Bullets(ablations(results)))
        page.show(drawing, suffix)


def _add_learning(page: Content, results: Results, suffix: str) -> None:
    """Adds learning curves of a task whose metric is measured as it learns, else its speed."""
    drawing = draw_curves(results) if results.task == "rl" else None
    if drawing is not None:
        page.add(Heading("Learning curves"))
        page.show(drawing, suffix)
        return
    moment, differences = measured_otherwise(results)
    if differences:
        page.add(Heading(moment, 3), Bullets(differences))
    page.add(Heading("Learning speed"), Bullets(learning_speed(results)))
    page.show(draw_speed(results), suffix)
    page.add(Details("Steps", [tables.speed_table(results)]))


def _add_family(page: Content, title: str, results: Results, suffix: str) -> None:
    """Adds the arms that are drawn together, after their training and before it."""
    name = title.lower().replace(" ", "_")
    family, results = results, prune_at_init.without_sanity_controls(results)
    page.add(Heading(title), Bullets(comparisons(results, results.controls)))
    page.show(draw_tickets(results, f"tickets-{name}.png"), suffix)
    page.add(Details("Every level", [tables.level_table(results)]))
    before = at_start(results)
    if before is not None:
        page.add(Heading(f"{title}: before any training", 3))
        page.show(draw_tickets(before, f"start-{name}.png"), suffix)
        page.add(tables.level_table(before))
    _add_prune_at_init(page, family, suffix)


def _add_prune_at_init(page: Content, results: Results, suffix: str) -> None:
    """Adds what belongs to a family of arms that prune before training."""
    if prune_at_init.controlled(results):
        page.add(Heading("Sanity controls", 3), Bullets(prune_at_init.sanity_sentences(results)))
        page.show(draw_sanity(results, prune_at_init.controlled(results)), suffix)
        page.add(Details("Every level", [prune_at_init.sanity_table(results)]))
    if prune_at_init.has_manifold(results):
        page.add(Heading("What is interpreted, and what it chose", 3), Text(_INTERPRETATION))
        page.add(
            Bullets(prune_at_init.manifold_sentences(results)),
            prune_at_init.dimension_table(results),
        )
        found = prune_at_init.spectra(results)
        if found:
            page.show(draw_spectrum(found, results), suffix)
    page.add(prune_at_init.cost_table(prune_at_init.without_sanity_controls(results)))


_INTERPRETATION = (
    "Of the algorithm of Zhang et al. 2021 only the first and the last step are public. What "
    "decides between them here is an interpretation, and no reproduction of their method: the "
    "diagonal of the Hessian after the first steps, cut at the largest relative gap near each "
    "level. In the theory slow modes determine the fast ones, so `inertial_manifold` keeps the "
    "weights of small curvature below the gap. `matched_…` keep exactly as many weights: "
    "`matched_curvature` those of the largest curvature, from the other end of the spectrum."
)


def _add_masks(page: Content, results: Results, suffix: str) -> None:
    """Adds densities and overlap, or says that the run holds no masks to read them from."""
    arm = results.main or (results.arms[0] if results.arms else None)
    if arm is None:
        return
    page.add(Heading("Density per variable"))
    found = densities(results, arm)
    if found is None:
        page.add(Text(f"The folder holds no layer tables of `{arm}`."))
    else:
        page.show(draw_density(found), suffix)
        page.add(Details("Densities", [tables.density_table(found)]))
    page.add(Heading("Overlap between seeds"))
    shared = overlaps(results, arm)
    if not shared:
        page.add(Text(f"An overlap takes tickets of `{arm}` from two seeds of one round."))
    else:
        page.show(draw_overlap(arm, shared), suffix)
        page.add(Details("Overlaps", [tables.overlap_table(shared)]))
