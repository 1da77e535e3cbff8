"""Finished trainings in Weights & Biases or MLflow: one run per arm and seed.

Both take rows as `TensorBoardScalars` does. A run has the arm's value against the round, and the
history of each round's training against its step. Every report adds new runs; where they go is set
as always with these tools, e.g. with WANDB_MODE or MLFLOW_TRACKING_URI.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from keras_lottery.errors import LotteryError, MissingExtraError, unknown_name
from keras_lottery.records.rows import ResultRow

TRACKERS = ("wandb", "mlflow")

History = Sequence[Mapping[str, float]]


@dataclass
class _Line:
    """The trainings of one arm and seed."""

    arm: str
    seed: int
    name: str
    rows: list[tuple[ResultRow, History]] = field(default_factory=list)


class _Lines:
    """Collects the trainings, so that each arm and seed becomes one run."""

    def __init__(self) -> None:
        self.lines: dict[str, _Line] = {}

    def add(self, row: ResultRow, history: History) -> None:
        """Adds a training's row and its evaluations."""
        arm = "+".join(filter(None, (row.source, row.arm)))
        name = f"{arm} seed {row.seed}" + (f" draw {row.draw}" if row.draw else "")
        line = self.lines.setdefault(name, _Line(arm, row.seed, name))
        line.rows.append((row, history))


class WandbScalars(_Lines):
    """Writes runs of Weights & Biases, grouped by arm.

    Args:
        project: name of the project.
        config: the run's config, flattened.
        folder: where the local files go.
    """

    def __init__(self, project: str, config: Mapping[str, object], folder: Path) -> None:
        super().__init__()
        self._project, self._config, self._folder = project, dict(config), folder

    def close(self) -> None:
        """Writes the runs."""
        import wandb

        self._folder.mkdir(parents=True, exist_ok=True)
        for line in self.lines.values():
            run = wandb.init(
                project=self._project,
                group=line.arm,
                name=line.name,
                config=self._config | {"arm": line.arm, "seed": line.seed},
                dir=str(self._folder),
                reinit="create_new",
            )
            run.define_metric("*", step_metric="round")
            for row, history in line.rows:
                prefix = f"training/round_{row.round:02d}"
                run.define_metric(f"{prefix}/*", step_metric=f"{prefix}/step")
                for entry in history:
                    run.log({f"{prefix}/{name}": value for name, value in entry.items()})
                run.log({"round": row.round} | values_of(row))
            run.finish()


class MlflowScalars(_Lines):
    """Writes runs of MLflow into the experiment `project`.

    Args:
        project: name of the experiment, created if there is none.
        config: the run's config, flattened.
    """

    def __init__(self, project: str, config: Mapping[str, object]) -> None:
        super().__init__()
        self._project, self._config = project, dict(config)

    def close(self) -> None:
        """Writes the runs."""
        from mlflow.tracking import MlflowClient

        client = MlflowClient()
        known = client.get_experiment_by_name(self._project)
        experiment = known.experiment_id if known else client.create_experiment(self._project)
        for line in self.lines.values():
            run = client.create_run(experiment, run_name=line.name).info.run_id
            for name, value in (self._config | {"arm": line.arm, "seed": line.seed}).items():
                client.log_param(run, name, value)
            for row, history in line.rows:
                for name, value in values_of(row).items():
                    client.log_metric(run, name, value, step=row.round)
                for entry in history:
                    for name in entry.keys() - {"step"}:
                        key = f"training/round_{row.round:02d}/{name}"
                        client.log_metric(run, key, entry[name], step=int(entry.get("step", 0)))
            client.set_terminated(run)


def values_of(row: ResultRow) -> dict[str, float]:
    """Returns the numbers of a row that are logged against the round."""
    return {
        row.metric: row.value,
        "remaining": row.remaining,
        "flops": float(row.flops),
        "best_step": float(row.best_step),
        "seconds": row.seconds,
    }


def tracker(
    name: str, project: str, config: Mapping[str, object], folder: Path
) -> WandbScalars | MlflowScalars:
    """Returns the writer with this name: `wandb` or `mlflow`.

    Raises:
        LotteryError: the name is unknown.
        MissingExtraError: its package is not installed.
    """
    check_tracker(name)
    if name == "wandb":
        return WandbScalars(project, config, folder)
    return MlflowScalars(project, config)


def check_tracker(name: str) -> None:
    """Raises the errors of `tracker`."""
    if name not in TRACKERS:
        raise unknown_name("tracker", name, TRACKERS)
    if find_spec(name) is None:
        raise MissingExtraError(name, name)


def check_tracked(study: str, names: Sequence[str]) -> None:
    """Raises LotteryError if trackers are named for a study without a table of trainings."""
    if names and study != "tickets":
        raise LotteryError(
            f"Expected no tracker for a study other than 'tickets'. Received: {', '.join(names)} "
            f"for the study {study!r}. Remove --track."
        )
