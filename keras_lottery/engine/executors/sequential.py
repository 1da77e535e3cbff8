"""One training after the other, in this process, with one compiled program."""

from collections.abc import Callable, Iterator, Sequence

from keras_lottery.engine.work import Worker
from keras_lottery.types import Outcome, Training


class Sequential:
    """Trains the first ready training, then asks the plan again."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def run(self, ready: Callable[[], Sequence[Training]]) -> Iterator[Outcome]:
        while pending := ready():
            yield self._worker.execute(pending[0])
