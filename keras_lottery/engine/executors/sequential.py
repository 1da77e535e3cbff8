"""One training after another, in this process, with one compiled program."""

from collections.abc import Callable, Generator

from keras_lottery.config import Config
from keras_lottery.engine.executors.train_one import train
from keras_lottery.engine.progress import RunProgress
from keras_lottery.protocols import Job, Task
from keras_lottery.types import Training, TrainingResult


class Sequential:
    """Trains one network at a time."""

    def __init__(self, config: Config, task: Task, progress: RunProgress) -> None:
        self._task = task
        self._progress = progress

    def run(
        self, take: Callable[[], Job | None]
    ) -> Generator[tuple[Training, TrainingResult], None, None]:
        while job := take():
            training, start = job
            yield training, train(self._task, training, start, self._progress)
