"""Runs an experiment: what is ready to train, where it is trained, and what is written.

`algorithm.py` is the whole idea in one loop; start there. The engine does the same for any number
of seeds, arms and workers, and resumes:

- `experiment`: from a config to a finished run.
- `graph`: which trainings there are, and which are ready.
- `driver`: makes their starts, hands them to an executor (`executors/`) and keeps the results.
- `run_folder`, `run_reader`, `run_writer`: the files of a run.
"""

from keras_lottery.engine.executors import executors
from keras_lottery.engine.experiment import check_rewind, make_task, open_run, run, train

__all__ = ["check_rewind", "executors", "make_task", "open_run", "run", "train"]
