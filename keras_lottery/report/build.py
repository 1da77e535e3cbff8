"""Writes the report of a run folder."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from keras_lottery import checks
from keras_lottery.checks import check_path_name
from keras_lottery.config import flatten
from keras_lottery.errors import LotteryError, printable, reason_of
from keras_lottery.files import write_whole
from keras_lottery.records import (
    NoScalars,
    Scalars,
    check_tracked,
    read_history,
    scalars,
    tracker,
)
from keras_lottery.records.run_paths import Place, RunPaths
from keras_lottery.report.claims import claims_table
from keras_lottery.report.content import Content, headlines
from keras_lottery.report.document import Heading, Table
from keras_lottery.report.guidance import guidance
from keras_lottery.report.html import to_html
from keras_lottery.report.markdown import to_markdown
from keras_lottery.report.plots import Drawing
from keras_lottery.report.plots.style import draw_text_as_it_is
from keras_lottery.report.results import TICKETS, Results, results_by_task, study_name
from keras_lottery.report.study_page import study_page
from keras_lottery.report.tables import terminal_cells


@dataclass(frozen=True)
class ReportFiles:
    """The files of a report.

    Args:
        html: the self-contained page.
        markdown: the same page as Markdown, with links to the figures.
        figures: the PNGs, `tickets.png` first.
        headline: the sentences that compare the arms.
    """

    html: Path
    markdown: Path
    figures: tuple[Path, ...]
    headline: tuple[str, ...]

    @property
    def figure(self) -> Path:
        """The main figure."""
        return self.figures[0]

    def _repr_html_(self) -> str:
        """Returns the page in a frame, which keeps its styles to itself."""
        page = escape(self.html.read_text("utf-8"))
        return f'<iframe srcdoc="{page}" width="100%" height="600" frameborder="0"></iframe>'


def build(run: Path, tensorboard: bool | None = None, trackers: Sequence[str] = ()) -> ReportFiles:
    """Writes `report/` in the run folder `run`.

    Args:
        run: the run folder.
        tensorboard: whether to write TensorBoard scalars; None writes them if the package is
            installed.
        trackers: `wandb`, `mlflow` or both: also write every training there, as new runs. For runs
            of the study `tickets`.

    Returns:
        The files.

    Raises:
        LotteryError: the folder is not a run folder, no training is finished, `report/` links to
            another place, a tracker is unknown or not for this study, or it can't be written to;
            the report then has been written.
        MissingExtraError: `tensorboard` is True or a tracker is named, and the package is not
            installed.
    """
    if tensorboard is not None:
        checks.truth(tensorboard, "tensorboard")
    paths = RunPaths(checks.file_path(run, "run"))
    place = Place(paths.root)
    page = page_of(run)
    study = study_name(run)
    names = checks.names(trackers, "trackers")
    check_tracked(study, names)
    if (claims := claims_table(Path(run))) is not None:
        page.blocks.insert(2, claims)  # below the title and the headline
    place.check(paths.report / "report.md")
    place.check(paths.tensorboard / "events")
    place.check(paths.report / "wandb" / "run")
    by_task = results_by_task(run) if study == TICKETS else []
    writers = {
        name: tracker(name, by_task[0].name, flatten(by_task[0].config), paths.report)
        for name in names
    }
    if by_task:
        _write_scalars(paths, by_task, tensorboard)
        _add_guidance(page, by_task[0])
    figures = write_figures(page.drawings, paths.report)
    markdown, html = paths.report / "report.md", paths.report / "report.html"
    _write(markdown, to_markdown(page.blocks))
    _write(html, to_html(page.title, page.blocks, paths.report))
    for name, writer in writers.items():
        _track(name, writer, paths, by_task)
    return ReportFiles(html, markdown, figures, tuple(page.headline))


def _add_guidance(page: Content, results: Results) -> None:
    """Adds the section for readers of the run's own report, above the settings."""
    if not results.rows:
        return
    place = next(i for i, block in enumerate(page.blocks) if block == Heading("Settings"))
    page.blocks[place:place] = guidance(results)


def page_of(run: Path) -> Content:
    """Returns the page of a run, made only from its tables and its config.json.

    Raises:
        LotteryError: the folder is not a run folder, or nothing in it is finished.
    """
    return study_page(study_name(run)).content(Path(run))


def headline(run: Path) -> list[str]:
    """Returns the headline sentences of a run's page, computed from its tables.

    Args:
        run: the run folder.

    Raises:
        LotteryError: the folder is not a run folder, or nothing in it is finished.
    """
    return headlines(results_by_task(run)) if study_name(run) == TICKETS else page_of(run).headline


def terminal_table(run: Path) -> RichTable:
    """Returns the main table for a terminal; for a ticket search, mean ± sd per level and arm.

    Args:
        run: the run folder.

    Raises:
        LotteryError: the folder is not a run folder, or nothing in it is finished.
    """
    if study_name(run) != TICKETS:
        return _first_table(page_of(run))
    results = results_by_task(run)[0]
    if not results.rows:
        return RichTable(title=f"{results.name}: no training is finished", box=SIMPLE_HEAD)
    table, caption = terminal_cells(results)
    shown = RichTable(
        title=_plain(f"{results.name}: {table.title}"),
        caption=_plain(caption),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for index, name in enumerate(table.header):
        shown.add_column(
            _plain(name),
            justify="right",
            overflow="fold",
            # Names may wrap, numbers may not.
            min_width=max(len(row[index]) for row in table.rows),
            style="bold" if name == results.main else "",
        )
    for row in table.rows:
        shown.add_row(*map(_plain, row))
    return shown


def _first_table(page: Content) -> RichTable:
    table = next(block for block in page.blocks if isinstance(block, Table))
    shown = RichTable(
        title=_plain(page.title),
        caption=_plain(table.note),
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in table.header:
        shown.add_column(_plain(name), justify="right", overflow="fold")
    for row in table.rows:
        shown.add_row(*map(_plain, row))
    return shown


def _plain(text: str) -> Text:
    """Returns the text for rich, which would read brackets in a string as markup."""
    return Text(printable(text))


def write_figures(drawings: list[Drawing], folder: Path) -> tuple[Path, ...]:
    """Writes the figures as PNGs; equal figures give equal bytes."""
    paths = []
    for drawing in drawings:
        path = folder / check_path_name("a figure", drawing.file)
        draw_text_as_it_is(drawing.figure)
        # The name of the drawing library and its version would change the bytes.
        write_whole(
            path,
            lambda temporary, figure=drawing.figure: figure.savefig(  # type: ignore[misc]
                temporary, format="png", metadata={"Software": None}
            ),
        )
        paths.append(path)
    return tuple(paths)


def _write_scalars(paths: RunPaths, by_task: list[Results], enabled: bool | None) -> None:
    """Rewrites the scalars of all trainings."""
    writer = scalars(paths, enabled)
    if isinstance(writer, NoScalars):
        return
    shutil.rmtree(paths.tensorboard, ignore_errors=True)
    _add_all(writer, paths, by_task)
    writer.close()


def _add_all(writer: Scalars, paths: RunPaths, by_task: list[Results]) -> None:
    for row in (row for results in by_task for row in results.rows):
        writer.add(row, read_history(paths.history(row.training), row))


def _track(name: str, writer: Scalars, paths: RunPaths, by_task: list[Results]) -> None:
    _add_all(writer, paths, by_task)
    try:
        writer.close()
    except Exception as error:  # wandb and mlflow raise their own errors
        raise LotteryError(
            f"Expected {name} to take the run. Received: {reason_of(error)} Log in, or set its "
            f"server, and write the report with --track={name} again; all else is written."
        ) from error


def _write(path: Path, text: str) -> None:
    write_whole(path, lambda temporary: temporary.write_bytes(text.encode()))
