"""Measures how long one training of an experiment takes, by training a few steps."""

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from keras_lottery import user_modules
from keras_lottery.arms import arms
from keras_lottery.backend.global_state import preserved
from keras_lottery.config import Config, RewindConfig
from keras_lottery.engine.executors.vectorized import vectorized_task
from keras_lottery.engine.progress import NoProgress
from keras_lottery.engine.run_reader import RunReader
from keras_lottery.protocols import Task
from keras_lottery.records.run_paths import paths_of
from keras_lottery.tasks import make_task
from keras_lottery.tasks.recipe import train_section
from keras_lottery.tasks.supervised import NetworkTask
from keras_lottery.types import Start, Training

FEW, MANY = 2, 100
"""Steps of the two trainings that are timed; compilation is not counted."""

BUDGET = 10.0
"""Seconds that the second one may take: slow networks train fewer steps."""


class _Trained(Exception):
    """Ends a training before its final evaluation; the argument is the seconds of its steps."""


class _Stopwatch:
    """Times the steps of a training, from the report before the first one to that of the last."""

    def __init__(self) -> None:
        self._began: float | None = None

    def update(self, step: int, of: int, loss: float) -> None:
        now = time.perf_counter()
        if self._began is None:
            self._began = now
        elif step >= of:
            raise _Trained(now - self._began)


def mean_seconds(config: Config, trainings: Sequence[Training]) -> float:
    """Returns the estimated mean seconds of trainings.

    Those that train weights take as long as the dense network, the others as long as the first of
    them with the same section of the config.

    Args:
        config: config of the experiment.
        trainings: the trainings; none: the dense network's.

    Raises:
        LotteryError: the config does not fit together, or its data are missing.
    """
    dense = Training("", config.task, config.seeds[0], 0, "dense")
    sections: dict[str, list[Training]] = {}
    for training in trainings or [dense]:
        sections.setdefault(arms[training.arm].section, []).append(training)
    seconds = (
        len(some) * seconds_of_training(config, some[0] if section else dense)
        for section, some in sections.items()
    )
    return sum(seconds) / max(len(trainings), 1)


@preserved()
def seconds_of_training(config: Config, training: Training) -> float:
    """Returns the estimated seconds of one training from step 0, with its evaluations.

    The network is trained twice, for 2 and for up to 100 steps, which separates the time of a step
    from that of an evaluation:

        seconds(steps) = steps · step + evaluations · evaluation + rest

    where `rest` is the final evaluation of an agent. Other networks aren't evaluated on their test
    set, which can take longer than the two trainings (BLEU needs translations) and matters little
    next to a whole one. Nothing is written.

    Args:
        config: config of the experiment.
        training: the training of the dense network, or of an arm that has its own section.

    Raises:
        LotteryError: the config does not fit together, or its data are missing.
    """
    user_modules.allow(*getattr(config.data, "modules", ()))  # as in `open_run`
    section = arms[training.arm].section
    if section:
        config = replace(config, train=train_section(config, getattr(config, section)))
    task = make_task(_shortened(config, section))
    if config.executor == "vectorized":
        vectorized_task(task)  # an error now rather than in the run
    total = task.steps(config.train.length)
    short, rest = _timed(task, config, training, FEW)
    steps = min(MANY, int(FEW * BUDGET / max(short, 1e-6)))
    if steps <= FEW:
        return short / FEW * total + rest
    longer, rest_again = _timed(task, config, training, steps)
    step = max(longer - short, 0.0) / (steps - FEW)
    evaluation = max(short - FEW * step, 0.0)
    return step * total + evaluation * _evaluations(task, config) + min(rest, rest_again)


def _shortened(config: Config, section: str) -> Config:
    """Returns a config whose trainings have as many steps as are timed."""
    lengths: dict[str, Any] = {"length": f"{MANY}it", "eval_every": MANY}
    sections = {section: replace(getattr(config, section), **lengths)} if section else {}
    train = replace(config.train, average=0, evaluate_start=False, **lengths)
    shortened = replace(config, train=train, rewind=RewindConfig(), **sections)
    dqn = getattr(config.model, "dqn", None)
    if dqn is None:
        return shortened
    # Otherwise all steps that are timed might fall into the time when frames are only collected.
    model: Any = config.model
    return replace(shortened, model=replace(model, dqn=replace(dqn, learning_starts=1)))


def _timed(task: Task, config: Config, training: Training, steps: int) -> tuple[float, float]:
    """Returns the seconds of the last steps of a training, and of the evaluation after them."""
    seed = training.seed
    start = Start(task.fresh_weights(seed), seed=seed)  # steps of other weights take as long
    if arms[training.arm].section:
        start = arms[training.arm].start(training, RunReader(config, paths_of(config), task))
    start = replace(start, step=MANY - steps)
    began = time.perf_counter()
    try:
        is_network = isinstance(task, NetworkTask)
        result = task.fit(training, start, _Stopwatch() if is_network else NoProgress())
    except _Trained as trained:
        return trained.args[0], 0.0
    whole = time.perf_counter() - began
    return result.seconds, max(whole - result.seconds - result.compile_seconds, 0.0)


def _evaluations(task: Task, config: Config) -> int:
    """Returns how often a training is evaluated on the validation set, or starts playing."""
    if not isinstance(task, NetworkTask):
        return 1
    total = task.steps(config.train.length)
    return -(-total // (config.train.eval_every or task.steps("1ep")))
