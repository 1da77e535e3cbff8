"""A study: how much noise on its weights a trained ticket tolerates.

keras-lottery run --import=own_study.py --config=quickstart --config.study=noise
"""

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from keras_lottery import engine
from keras_lottery.config import Config, StudySchema, study_schemas
from keras_lottery.config.fields import NotNegative
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.records import GrowingTable, TableRow, read_rows
from keras_lottery.report.content import Content
from keras_lottery.report.document import Heading, Table
from keras_lottery.report.study_page import StudyPage
from keras_lottery.types import Start, Training


@dataclass(frozen=True)
class NoiseOptions:
    levels: tuple[NotNegative, ...] = (0.0, 0.2, 0.5)  # in standard deviations of each variable


@dataclass(frozen=True)
class NoiseRow(TableRow):
    seed: int
    noise: float
    value: float


def run(config: Config) -> Path:
    """Trains the tickets, then evaluates the last one of each seed under noise; resumes."""
    with engine.open_run(config) as (paths, task):
        seeds = engine.train_all(config, paths, task)
        table = GrowingTable(paths.root / "noise.csv", NoiseRow)
        for seed, noise in product(seeds, config.options.levels):
            if (seed, noise) not in {(row.seed, row.noise) for row in table.rows}:
                last = Training("", config.task, seed, config.prune.rounds, "winning")
                reader, rng = RunReader(config, paths, task), np.random.default_rng(seed)
                weights = {path: w + noise * w.std() * rng.standard_normal(w.shape, w.dtype)
                           for path, w in reader.trained(last).items()}  # fmt: skip
                noisy = Start(weights, reader.start_of(last).masks)
                table.append(NoiseRow(seed, noise, task.evaluate(noisy)[task.metric]))
    return paths.root


def content(folder: Path) -> Content:
    """Returns the report's page, from the tables of the run folder alone."""
    rows = [row.texts() for row in read_rows(folder / "noise.csv", NoiseRow)]
    return Content("Noise", [], [Heading("Noise", 1), Table("", NoiseRow.columns(), rows)])


PAGE = StudyPage(content)
study_schemas.add("noise", StudySchema(NoiseOptions, "own_study:run", page="own_study:PAGE"))
