"""Measures how long one training of an experiment takes, by training a few steps."""

from dataclasses import replace

from keras_lottery import user_modules
from keras_lottery.backend.global_state import preserved
from keras_lottery.config import Config, RewindConfig
from keras_lottery.engine.progress import NoProgress
from keras_lottery.tasks import make_task
from keras_lottery.types import Start, Training

STEPS = 100
"""Steps that are timed; compilation is not counted."""


@preserved()
def seconds_of_training(config: Config) -> float:
    """Returns the estimated seconds of one training from step 0, with its evaluations.

    The dense network is trained for 100 steps; nothing is written.

    Raises:
        LotteryError: the config does not fit together, or its data are missing.
    """
    user_modules.allow(*getattr(config.data, "modules", ()))  # as in `open_run`
    short = replace(
        config,
        train=replace(config.train, length=f"{STEPS}it"),
        rewind=RewindConfig(),
    )
    task, seed = make_task(short), config.seeds[0]
    total = task.steps(config.train.length)
    training = Training("", config.task, seed, 0, "dense")
    start = Start(task.start_weights(seed), seed=seed)
    result = task.fit(training, start, NoProgress())
    return result.seconds * total / max(result.steps, 1)
