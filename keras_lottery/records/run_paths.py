"""All file names of a run folder."""

import os
from dataclasses import dataclass
from pathlib import Path

from keras_lottery.checks import check_path_name, file_path
from keras_lottery.config import Config, digest
from keras_lottery.errors import LotteryError
from keras_lottery.types import Training

SAMPLES = "samples"
"""Name of the table of a trained network's outputs for a few test examples."""


def paths_of(config: Config) -> "RunPaths":
    """Returns the paths of the run that belongs to a config, with `~` in `out` expanded.

    Raises:
        LotteryError: `out` names the home folder of an unknown user.
    """
    return RunPaths(file_path(config.out, "out") / f"{config.name}-{digest(config)}")


@dataclass(frozen=True)
class RunPaths:
    """The files of the run in the folder `root`."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "config.json"

    @property
    def results(self) -> Path:
        return self.root / "results.csv"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics.csv"

    @property
    def compacted(self) -> Path:
        return self.root / "compacted.csv"

    @property
    def report(self) -> Path:
        return self.root / "report"

    @property
    def tensorboard(self) -> Path:
        return self.report / "tensorboard"

    def rewind(self, seed: int) -> Path:
        return self.root / f"seed_{seed}" / "rewind.safetensors"

    def ticket(self, training: Training) -> Path:
        return self._of(training, "ticket.safetensors")

    def trained(self, training: Training) -> Path:
        return self._of(training, "trained.safetensors")

    def history(self, training: Training) -> Path:
        return self._of(training, "history.csv")

    def layers(self, training: Training) -> Path:
        return self._of(training, "layers.csv")

    def table(self, training: Training, name: str) -> Path:
        """An extra table, written by the arm that made the ticket or from the trained network."""
        return self._of(training, f"{check_path_name('a table', name)}.csv")

    def _of(self, training: Training, ending: str) -> Path:
        """Returns `<arm>.<ending>`; later draws and sources are marked before the dot."""
        name = check_path_name("an arm", training.arm)
        if training.draw:
            name = f"{name}-{training.draw}"
        if training.source:
            name = f"{check_path_name('a source', training.source)}+{name}"
        folder = self.root / f"seed_{training.seed}" / f"round_{training.round:02d}"
        return folder / f"{name}.{ending}"


class Place:
    """The identity of a run folder, so that nothing is written outside it or after it was moved.

    Args:
        root: the run folder; it may be created later.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._identity = _identity(root)

    def check(self, file: Path) -> None:
        """Checks the location of a file before it is written.

        Raises:
            LotteryError: the run folder was moved or removed, or `file` would not be inside it.
        """
        if self._identity is not None and _identity(self._root) != self._identity:
            raise LotteryError(
                f"Expected the run folder to stay in place. Received: {self._root}, which was "
                "moved or removed during the run. Put it back, then run the same command to resume."
            )
        root, parent = self._root.resolve(), file.parent.resolve()
        if not parent.is_relative_to(root):
            raise LotteryError(
                f"Expected to write inside the run folder. Received: {file}, whose folder is "
                f"{parent}. Remove the symbolic link, or correct the name."
            )


def _identity(folder: Path) -> tuple[int, int] | None:
    """Returns device and inode, which a moved folder keeps; None if there is no folder."""
    try:
        status = os.stat(folder)
    except OSError:
        return None
    return status.st_dev, status.st_ino
