"""The report of a run: statistics, figures, one HTML page and one Markdown page."""

from keras_lottery.report.build import ReportFiles, build, headline, terminal_table
from keras_lottery.report.kept_results import write_index, write_page

__all__ = ["ReportFiles", "build", "headline", "terminal_table", "write_index", "write_page"]
