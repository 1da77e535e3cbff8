"""Every file name of a run folder."""

from dataclasses import dataclass
from pathlib import Path

from keras_lottery.types import Training

SAMPLES = "samples"
"""Name of the table of what a trained network makes of a few test examples."""


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
        """What was found on the way: by the arm that made the ticket, or by the trained network."""
        return self._of(training, f"{name}.csv")

    def _of(self, training: Training, ending: str) -> Path:
        """`<arm>.<ending>`; later draws and other sources are marked in front of the dot."""
        name = training.arm if not training.draw else f"{training.arm}-{training.draw}"
        if training.source:
            name = f"{training.source}+{name}"
        folder = self.root / f"seed_{training.seed}" / f"round_{training.round:02d}"
        return folder / f"{name}.{ending}"
