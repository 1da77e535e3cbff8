"""The content of a report: its blocks in order, and their figures."""

from dataclasses import dataclass, field, replace
from typing import Any

from keras_lottery.report import prune_at_init, tables
from keras_lottery.report.compacted import compacted_levels, compacted_table
from keras_lottery.report.connectivity import (
    connected_networks,
    connection_rows,
    connectivity_table,
)
from keras_lottery.report.document import Block, Bullets, Details, Heading, Image, Text
from keras_lottery.report.gaps import dead, diverged, missing
from keras_lottery.report.inputs import input_rows, inputs_table
from keras_lottery.report.masks import densities, overlaps
from keras_lottery.report.plots import (
    Drawing,
    curves,
    draw_ablations,
    draw_compacted,
    draw_connectivity,
    draw_curves,
    draw_density,
    draw_inputs,
    draw_overlap,
    draw_sanity,
    draw_spectrum,
    draw_speed,
    draw_tickets,
)
from keras_lottery.report.results import (
    Results,
    at_start,
    families,
    without_families,
    without_learned,
)
from keras_lottery.report.sentences import (
    ablations,
    all_still_falling,
    comparisons,
    headline,
    learning_speed,
    measured_otherwise,
)
from keras_lottery.report.tables import samples_table


@dataclass
class Content:
    """The blocks of a report and its figures.

    Args:
        title: heading of the page.
        headline: the main sentences, computed from the tables.
        blocks: the blocks of the page, the title first.
        drawings: the figures of the blocks.
    """

    title: str
    headline: list[str] = field(default_factory=list)
    blocks: list[Block] = field(default_factory=list)
    drawings: list[Drawing] = field(default_factory=list)

    def add(self, *blocks: Block | None) -> None:
        """Adds blocks; skips None and empty lists."""
        self.blocks.extend(b for b in blocks if b is not None and b != Bullets([]))

    def show(self, drawing: Drawing, suffix: str) -> None:
        """Adds a figure; `suffix` keeps the files of a second task apart."""
        file = drawing.file.replace(".png", f"{suffix}.png")
        self.drawings.append(replace(drawing, file=file))
        self.add(Image(file, drawing.caption, drawing.alt))


def content(by_task: list[Results]) -> Content:
    """Returns the report of a ticket search, the config's task first."""
    page = Content(f"{by_task[0].name}: tickets and controls", headlines(by_task))
    page.add(Heading(page.title, 1))
    for index, results in enumerate(by_task):
        if index:
            page.add(Heading(f"Task {results.task}", 1))
        _add_results(page, results, f"-{results.task}" if index else "")
    add_settings(page, by_task[0].config, by_task[0].facts)
    return page


def add_settings(page: Content, config: dict[str, Any], facts: dict[str, Any]) -> None:
    """Adds the last sections of every page: the config, and the environment of the run."""
    page.add(Heading("Settings"), tables.config_table(config))
    page.add(Details("All settings", [tables.full_config_table(config)]))
    page.add(Heading("Environment"), tables.facts_table(facts))


def headlines(by_task: list[Results]) -> list[str]:
    """Returns the headline sentences of a ticket search, without drawing anything."""
    many = len(by_task) > 1
    return [f"{s.task}: {text}" if many else text for s in by_task for text in _headline(s)]


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
    if gaps := missing(whole):
        page.add(Heading("Caveats", 3), Bullets(gaps))
    if not whole.rows:
        return
    if not results.dense_only:
        page.show(draw_tickets(results), suffix)
    page.add(samples_table(results))
    page.add(Heading("Numbers"), tables.level_table(results), tables.difference_table(results))
    page.add(tables.match_table(results))
    if (ratios := tables.ratio_table(results)) is not None:
        page.add(Details("Compared with dense at every level", [ratios]))
    page.add(Details("Every level and arm", [tables.arm_table(results)]))
    _add_compacted(page, results, suffix)
    _add_ablations(page, results, suffix)
    _add_learning(page, results, suffix)
    for title, family in families(whole).items():
        _add_family(page, title, family, suffix)
    _add_masks(page, results, suffix)


def _add_compacted(page: Content, results: Results, suffix: str) -> None:
    """Adds the sizes and latencies of compacted tickets, if the run measured them."""
    if by_round := compacted_levels(results):
        page.add(Heading("Compacted tickets"), compacted_table(results, by_round))
        page.show(draw_compacted(results, by_round), suffix)


def _add_ablations(page: Content, results: Results, suffix: str) -> None:
    """Adds the gains from iteration and late rewinding, if the arms without them were trained."""
    drawing = draw_ablations(results)
    if drawing is not None:
        page.add(Heading("Iterative pruning and late rewinding"), Bullets(ablations(results)))
        page.show(drawing, suffix)


def _add_learning(page: Content, results: Results, suffix: str) -> None:
    """Adds learning curves for reinforcement learning, and the learning speed for other tasks."""
    if results.task == "rl":
        _add_curves(page, results, suffix)
        return
    moment, differences = measured_otherwise(results)
    if differences:
        page.add(Heading(moment, 3), Bullets(differences))
    results = without_learned(results)
    if not results.arms:
        return
    page.add(Heading("Learning speed"), Bullets(learning_speed(results)))
    if not all_still_falling(results):
        page.show(draw_speed(results), suffix)
        page.add(Details("Steps", [tables.speed_table(results)]))


def _add_curves(page: Content, results: Results, suffix: str) -> None:
    """Adds learning curves; a kept folder without their table keeps its figure."""
    drawing = draw_curves(results)
    file = curves.FILE.replace(".png", f"{suffix}.png")
    if drawing is not None:
        page.add(Heading("Learning curves"))
        page.show(drawing, suffix)
    elif (results.paths.root / file).exists():
        page.add(Heading("Learning curves"), Image(file, *curves.texts(results)))


def _add_family(page: Content, title: str, results: Results, suffix: str) -> None:
    """Adds a family of arms, after and before training."""
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
    """Adds the sections of arms that prune before training."""
    if prune_at_init.controlled(results):
        page.add(Heading("Sanity controls", 3), Bullets(prune_at_init.sanity_sentences(results)))
        page.show(draw_sanity(results, prune_at_init.controlled(results)), suffix)
        page.add(Details("Every level", [prune_at_init.sanity_table(results)]))
    if prune_at_init.has_manifold(results):
        page.add(Heading("The interpretation, and the chosen dimension", 3), Text(_INTERPRETATION))
        page.add(
            Bullets(prune_at_init.manifold_sentences(results)),
            prune_at_init.dimension_table(results),
        )
        spectra = prune_at_init.spectra(results)
        if spectra:
            page.show(draw_spectrum(spectra, results), suffix)
    page.add(prune_at_init.cost_table(prune_at_init.without_sanity_controls(results)))


_INTERPRETATION = (
    "Only the first and the last step of the algorithm of Zhang et al. 2021 are public. The steps "
    "between them are an interpretation here, not a reproduction of their method: the diagonal of "
    "the Hessian after the first steps, split at the largest relative gap near each level. In the "
    "theory slow modes determine the fast ones, so `inertial_manifold` keeps the weights of small "
    "curvature below the gap. The `matched_…` arms keep exactly as many weights: "
    "`matched_curvature` those of the largest curvature, from the other end of the spectrum."
)


def _add_masks(page: Content, results: Results, suffix: str) -> None:
    """Adds densities and overlap, or a note that the run has no masks."""
    arm = results.main or (results.arms[0] if results.arms else None)
    if arm is None:
        return
    page.add(Heading("Density per variable"))
    by_layer = densities(results, arm)
    if by_layer is None:
        page.add(Text(f"The folder has no layer tables of `{arm}`."))
    elif by_layer.is_uniform:
        page.add(Text(f"The masks of `{arm}` keep the same fraction of every variable."))
    elif len(by_layer.rounds) == 1:
        page.add(tables.density_table(by_layer))
    else:
        page.show(draw_density(by_layer), suffix)
        page.add(Details("Densities", [tables.density_table(by_layer)]))
    if networks := connected_networks(results, connection_rows(results)):
        page.add(Heading("Connectivity"))
        page.show(draw_connectivity(results, networks), suffix)
        table = connectivity_table(results, networks)
        page.add(Details("Inputs read and units connected", [table]))
    if weights := input_rows(results, networks):
        page.show(draw_inputs(results, weights), suffix)
        page.add(Details("Kept weights by input", [inputs_table(results, weights)]))
    page.add(Heading("Overlap between seeds"))
    shared = overlaps(results, arm)
    if not shared:
        page.add(Text(f"An overlap needs tickets of `{arm}` from two seeds in one round."))
    else:
        page.show(draw_overlap(arm, shared), suffix)
        page.add(Details("Overlaps", [tables.overlap_table(shared)]))
