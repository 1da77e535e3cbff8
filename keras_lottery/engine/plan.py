"""What a run will do: its trainings, those that are done, and an estimate of the time."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from keras_lottery.config import Config
from keras_lottery.engine.graph import trainings
from keras_lottery.engine.progress import duration
from keras_lottery.records import TICKETS, ResultRow, read_results
from keras_lottery.records.run_paths import paths_of
from keras_lottery.types import FINISHED, Training


@dataclass(frozen=True)
class Plan:
    """The trainings of a run.

    Args:
        folder: the run folder.
        trainings: all trainings.
        rows: rows of those that ended.
        workers: trainings in parallel.
    """

    folder: Path
    trainings: Sequence[Training]
    rows: Sequence[ResultRow]
    workers: int = 1

    @property
    def left(self) -> list[Training]:
        """The trainings that have not ended."""
        ended = {row.training for row in self.rows}
        return [training for training in self.trainings if training not in ended]

    @property
    def seconds_each(self) -> float | None:
        """Mean seconds of the finished trainings; None before the first one."""
        seconds = [row.seconds for row in self.rows if row.finished]
        return sum(seconds) / len(seconds) if seconds else None

    def time_left(self, seconds_each: float | None = None) -> str:
        """Returns the estimated time left as `1:05:00`; `unknown` before the first training.

        Args:
            seconds_each: seconds of a training; None: the mean of the finished ones.
        """
        each = self.seconds_each if seconds_each is None else seconds_each
        return "unknown" if each is None else duration(each * len(self.left) / max(self.workers, 1))

    def lines(self) -> list[str]:
        """Returns sentences for the terminal: what is trained, and what is done."""
        seeds = len({training.seed for training in self.trainings})
        arms = Counter(training.arm for training in self.trainings)
        counted = ", ".join(f"{number} {arm}" for arm, number in arms.items())
        total = len(self.trainings)
        first = f"{total} training{'s' * (total != 1)} of {seeds} seed{'s' * (seeds != 1)}: "
        lines = [first + counted]
        if ended := total - len(self.left):
            lines.append(f"{ended} of {total} are done, {_outcomes(self.rows)}")
        return lines


def _outcomes(rows: Sequence[ResultRow]) -> str:
    counts = Counter(row.status for row in rows)
    lost = ", ".join(f"{number} {name}" for name, number in counts.items() if name != FINISHED)
    return lost or "all of them finished"


def plan_of(config: Config, folder: Path | None = None) -> Plan | None:
    """Returns the plan of a config's run; None for studies with their own loop.

    Args:
        config: the config, its executor chosen.
        folder: the run folder; None: the config's.

    Raises:
        LotteryError: the arms don't fit together, or results.csv is damaged.
    """
    if config.study != TICKETS:
        return None
    paths = paths_of(config) if folder is None else replace(paths_of(config), root=folder)
    rows = read_results(paths.results) if paths.results.exists() else []
    parallel = config.executor == "processes"
    return Plan(paths.root, trainings(config), rows, (config.workers or 1) if parallel else 1)
