"""How trainings are handed to workers that start late or have died."""

from keras_lottery.engine.executors.parallel import ATTEMPTS, Parallel
from keras_lottery.engine.executors.serving import Kind, Message
from keras_lottery.engine.progress import NoProgress
from keras_lottery.types import Start, Training


class Worker:
    """Answers at once, unless it is dead."""

    def __init__(self, alive=True):
        self.alive = alive
        self.job = None

    def is_alive(self):
        return self.alive

    def send(self, job):
        self.job = job
        return True

    def receive(self):
        return Message(Kind.RESULT, self.job[0], f"of {self.job[0].arm}") if self.alive else None

    def stop(self):
        return "no reason"


class Workers(Parallel):
    def __init__(self, started=(), starting=()):
        super().__init__(NoProgress())
        self.workers, self.starting = list(started), list(starting)

    def _started(self):
        return self.workers

    def _reporting(self, busy):
        while self.starting:
            self.workers.append(self.starting.pop())
        return list(busy)

    def _replace(self, worker):
        self.workers[self.workers.index(worker)] = Worker()

    def _end(self, busy):
        assert not busy


def results(workers, *arms):
    jobs = [(Training("", "odd", 0, 1, arm), Start({})) for arm in arms]
    return [result for _, result in workers.run(lambda: jobs.pop(0) if jobs else None)]


def test_workers_that_died_idle_are_no_loss_of_the_next_training():
    dead = [Worker(alive=False) for _ in range(ATTEMPTS)]
    assert results(Workers(dead), "a", "b") == ["of a", "of b"]


def test_a_training_waits_for_the_first_worker_to_start():
    assert results(Workers(starting=[Worker()]), "a", "b") == ["of a", "of b"]


def test_without_trainings_no_worker_is_waited_for():
    workers = Workers(starting=[Worker()])
    assert results(workers) == [] and workers.starting
