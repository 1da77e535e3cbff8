"""Trainings that are ready and share a program, trained as one: for accelerators, on JAX."""

from collections.abc import Callable, Generator
from contextlib import ExitStack

from keras_lottery import backend
from keras_lottery.config import Config
from keras_lottery.engine.executors.train_one import checked
from keras_lottery.engine.progress import RunProgress
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Job, Task, VectorizedTask
from keras_lottery.types import Training, TrainingResult


class Vectorized:
    """Trains ready trainings with equal shapes and steps together, as many as memory holds.

    Args:
        config: config of the experiment; its `workers` are the most trainings of a program.
        task: trains them.
        progress: shows all running trainings.
    """

    def __init__(self, config: Config, task: Task, progress: RunProgress) -> None:
        self._task = vectorized_task(task)
        self._most = config.workers
        self._progress = progress

    def run(
        self, take: Callable[[], Job | None]
    ) -> Generator[tuple[Training, TrainingResult], None, None]:
        waiting: list[Job] = []
        while True:
            while job := take():
                waiting.append(job)
            if not waiting:
                return
            together = self._chosen(waiting)
            waiting = [job for job in waiting if not any(job is other for other in together)]
            yield from self._train(together)

    def _chosen(self, waiting: list[Job]) -> list[Job]:
        """Returns the trainings that share the program of the first one."""
        program = self._task.program_of(*waiting[0])
        same = [job for job in waiting if self._task.program_of(*job) == program]
        most = self._most or self._task.most_together(same[0], len(same))
        return same[:most]

    def _train(self, jobs: list[Job]) -> list[tuple[Training, TrainingResult]]:
        with ExitStack() as stack:
            shown = [stack.enter_context(self._progress.training(job[0])) for job in jobs]
            results = self._task.fit_many(jobs, shown)
        pairs = zip(jobs, results, strict=True)
        return [(training, checked(training, result)) for (training, _), result in pairs]


def vectorized_task(task: Task) -> VectorizedTask:
    """Returns a task that can train several networks as one program.

    Raises:
        LotteryError: it can't, or the backend isn't JAX.
    """
    reason = "takes steps that are not a pure function of arrays"
    if isinstance(task, VectorizedTask) and not (reason := task.why_separate()):
        if backend.name() == "jax":
            return task
        raise LotteryError(
            "Expected the jax backend with --executor=vectorized. "
            f"Received: {backend.name()}. Add --backend=jax, or leave --executor out."
        )
    raise LotteryError(
        "Expected a task that can train several networks as one program, with "
        f"--executor=vectorized. Received: {task.name!r}, which {reason}. Leave --executor out."
    )
