"""Runs an experiment: schedules its trainings, runs them and writes their results.

`algorithm.py` is the whole idea in one loop; start there. The engine does the same for any number
of seeds, arms and workers, and resumes:

- `experiment`: from a config to a finished run. `check_config` refuses what doesn't fit together.
- `graph`: the dependency graph of all trainings of an experiment, and those that are ready.
- `driver`: computes initial states, hands them to an executor (`executors/`) and saves the results.
- `run_folder`, `run_reader`, `run_writer`: the files of a run.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keras_lottery.engine.executors import executors

if TYPE_CHECKING:
    from keras_lottery.engine.experiment import open_run, run, train_all

__all__ = ["executors", "open_run", "run", "train_all"]


def __getattr__(name: str) -> Any:
    """Imports lazily what needs a backend, since executors are chosen before its import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.experiment"), name)
    return value
