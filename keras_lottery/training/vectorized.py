"""Trains many tickets of one model as one program (JAX): `Trainer.fit` for all of them at once."""

import operator
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from keras_lottery import masking
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Progress
from keras_lottery.records import CONSTANT_OUTPUT
from keras_lottery.training import checkpoint
from keras_lottery.training.data import EpochData, Order
from keras_lottery.training.loop import Evaluation, steps_per_call, train_steps
from keras_lottery.training.programs.jax import Carry, JaxProgram
from keras_lottery.training.programs.vectorized import Network, VectorizedProgram
from keras_lottery.training.trainer import Trainer
from keras_lottery.types import MaskSet, Start, State, TrainingResult, Weights


@dataclass(frozen=True)
class FitArguments:
    """The arguments of `Trainer.fit`."""

    start: Start
    capture_at: int | None
    data_seed: int
    progress: Progress


class VectorizedTrainer:
    """Trains tickets of a trainer's model together.

    They share `step`, the shift of the data order and, if the data depend on it, its seed.
    Everything else is state: weights, masks, fills, optimizer, schedule, seeds, batch norm.

    Args:
        trainer: on JAX, without a distribution.
        devices: devices that share the tickets; None: all.
    """

    def __init__(self, trainer: Trainer, devices: Sequence[jax.Device] | None = None) -> None:
        if not isinstance(trainer.program, JaxProgram):
            raise LotteryError(
                "Expected the jax backend to train tickets as one program. "
                "Received: another one. Set KERAS_BACKEND=jax."
            )
        self.trainer = trainer
        self.program = VectorizedProgram(trainer.program, devices)
        self.single = trainer.program
        self._train = EpochData(self.program, trainer.data)
        self._arrays: dict[int, Any] = {}
        self._reported = 0.0  # seconds of compilation

    def fit(self, tickets: Sequence[FitArguments]) -> list[TrainingResult]:
        """Trains all tickets from their starts to the end.

        `seconds` of a result are its share of the wall time; `compile_seconds` are in the first.
        """
        for ticket in tickets:
            self.trainer.check(ticket.start, ticket.capture_at)
        began, compiled = time.perf_counter(), self.program.compile_seconds
        self.program.load([self._initial(ticket.start) for ticket in tickets])
        recorder = _Recorder(self, tickets)
        for step in self._steps(tickets):
            recorder.record(step)
        results = recorder.finish()
        self.program.unload()
        seconds = time.perf_counter() - began - (self.program.compile_seconds - compiled)
        results = [replace(result, seconds=seconds / len(tickets)) for result in results]
        results[0].compile_seconds = self.program.compile_seconds - self._reported
        self._reported = self.program.compile_seconds
        return results

    def fitting(self, tickets: int, data_seed: int) -> int:
        """Returns how many tickets the devices' memory can hold, at most `tickets`."""
        trainer, order = self.trainer, self.trainer.order
        first = order.rows(0, 1)
        capacity = steps_per_call(order, trainer.every)
        rows = np.zeros((capacity, first.shape[1]), np.int32)
        data = self._train.at(0, data_seed, order.part(0))
        evaluations = filter(None, (trainer.evaluations.test, trainer.evaluations.validation))
        largest = max(evaluations, key=lambda evaluation: evaluation.orders[0].shape[1])
        test, copies = self._on_devices(largest), 2 if trainer.averaged else 1
        while tickets > 1 and not self.program.fits(
            tickets, data, rows, test, largest.orders[0], copies
        ):
            tickets = -(-tickets // 2)
        return tickets

    def judge(self, network: Network) -> list[dict[str, float]]:
        """Returns the test metrics and the further metrics of every ticket."""
        evaluations = self.trainer.evaluations
        if evaluations.draws:  # a ticket's samples have seeds of their own
            return self.program.each(network, evaluations.judge)
        metrics = self._evaluated(network, evaluations.test)
        if not evaluations.measures:
            return metrics
        measured = self.program.each(network, evaluations.measured)
        return [one | further for one, further in zip(metrics, measured, strict=True)]

    def validate(self, network: Network) -> list[dict[str, float]]:
        """Returns the validation metrics of every ticket as `val_<name>`."""
        evaluations = self.trainer.evaluations
        if evaluations.validation is None:
            return [{} for _ in range(self.program.tickets)]
        if evaluations.draws:
            return self.program.each(network, evaluations.validate)
        metrics = self._evaluated(network, evaluations.validation)
        return [{f"val_{k}": v for k, v in values.items()} for values in metrics]

    def _evaluated(self, network: Network, evaluation: Evaluation) -> list[dict[str, float]]:
        return self.program.test(network, self._on_devices(evaluation), evaluation.orders)

    def _on_devices(self, evaluation: Evaluation) -> Any:
        if id(evaluation) not in self._arrays:
            self._arrays[id(evaluation)] = self.program.put(evaluation.arrays)
        return self._arrays[id(evaluation)]

    def _initial(self, start: Start) -> Carry:
        self.trainer.restore(start)
        state: Carry = jax.device_get(self.single.state())
        return state

    def _steps(self, tickets: Sequence[FitArguments]) -> Any:
        trainer, start = self.trainer, tickets[0].start
        return train_steps(
            self.program,
            self._train,
            _Orders(trainer, [ticket.data_seed for ticket in tickets]),
            range(start.step, trainer.total_steps),
            stops=trainer.averaged | {ticket.capture_at for ticket in tickets if ticket.capture_at},
            every=trainer.every,
            shift=start.data_order_step - start.step,
        )


class _Orders:
    """The orders of several tickets, as one `Order` with rows of shape `(steps, tickets, batch)`.

    Args:
        trainer: the trainer of the tickets.
        seeds: seed of each ticket's order; epochs, parts and shapes don't depend on it.
    """

    def __init__(self, trainer: Trainer, seeds: Sequence[int]) -> None:
        self._seeds = seeds
        self._orders = {seed: trainer.data.batches(trainer.config, seed) for seed in seeds}
        self._first: Order = self._orders[seeds[0]]
        self.seed = seeds[0]
        self.steps_per_epoch = self._first.steps_per_epoch
        self.longest_run = self._first.longest_run
        self.shapes = self._first.shapes
        self.epoch, self.part, self.run_end = (
            self._first.epoch, self._first.part, self._first.run_end,
        )  # fmt: skip

    def rows(self, start: int, stop: int) -> NDArray[np.int32]:
        by_seed = {seed: order.rows(start, stop) for seed, order in self._orders.items()}
        return np.stack([by_seed[seed] for seed in self._seeds], axis=1)


class _Recorder:
    """Records the trainings at their pauses: rewind points, validation minima, histories."""

    def __init__(self, vectorized: VectorizedTrainer, tickets: Sequence[FitArguments]) -> None:
        self._vectorized = vectorized
        self._trainer, self._program = vectorized.trainer, vectorized.program
        self._tickets = tickets
        count = len(tickets)
        self._best = np.full(count, np.inf)
        self._best_step = np.full(count, self._trainer.total_steps)
        self._best_network: Network | None = None
        self._rewinds: list[State | None] = [None] * count
        self._histories: list[list[dict[str, float]]] = [[] for _ in tickets]
        self._initial: list[dict[str, float]] = [{} for _ in tickets]
        if self._trainer.config.evaluate_start:
            self._initial = vectorized.judge(self._program.network)
        if self._trainer.averaged:
            self._sums: Network = jax.tree.map(jax.numpy.zeros_like, self._program.network)
        self._capture(tickets[0].start.step)

    def record(self, step: int) -> None:
        total = self._trainer.total_steps
        self._capture(step)
        losses = np.full(len(self._tickets), np.nan)
        if self._trainer.is_evaluated(step) or step == total:
            losses = self._evaluate(step)
        for ticket, loss in zip(self._tickets, losses, strict=True):
            ticket.progress.update(step, total, float(loss))

    def _evaluate(self, step: int) -> NDArray[np.float64]:
        """Appends to the histories; returns the training losses."""
        trained = self._program.take_results()
        validated = self._vectorized.validate(self._program.network)
        logs = [{"step": step} | a | b for a, b in zip(trained, validated, strict=True)]
        for history, log in zip(self._histories, logs, strict=True):
            history.append(log)
        losses = np.array([log.get("val_loss", np.inf) for log in logs])
        better = losses < self._best
        if better.any():
            network = self._program.network
            self._best_network = self._program.select(
                better, network, self._best_network or network
            )
            self._best[better], self._best_step[better] = losses[better], step
        return np.array([log.get("loss", np.nan) for log in logs])

    def finish(self) -> list[TrainingResult]:
        trainer, vectorized = self._trainer, self._vectorized
        network = self._averaged() if trainer.averaged else self._program.network
        finals = vectorized.judge(network)
        trained = self._program.each(network, self._trained)
        bests, early = finals, self._best_step != trainer.total_steps
        if self._best_network is not None and early.any():
            judged = vectorized.judge(self._best_network)
            bests = [b if at else f for b, f, at in zip(judged, finals, early, strict=True)]
        steps = trainer.total_steps - self._tickets[0].start.step
        return [
            TrainingResult(
                weights,
                self._rewinds[i],
                steps,
                0.0,
                0.0,
                finals[i],
                bests[i],
                int(self._best_step[i]),
                initial=self._initial[i],
                masks=masks,
                metrics=metrics,
                history=self._histories[i],
            )
            for i, (weights, masks, metrics) in enumerate(trained)
        ]

    def _trained(self) -> tuple[Weights, MaskSet, dict[str, float]]:
        """Returns the weights, learned masks and further metrics of the model's present state."""
        model, evaluations = self._trainer.model, self._trainer.evaluations
        masks = masking.get_masks(model) if masking.is_learned(model) else {}
        metrics = evaluations.evaluate_thresholded()
        if evaluations.is_constant():
            metrics[CONSTANT_OUTPUT] = 1.0
        return masking.effective_weights(model), masks, metrics

    def _capture(self, step: int) -> None:
        trainer, program = self._trainer, self._program
        wanted = [i for i, ticket in enumerate(self._tickets) if ticket.capture_at == step]
        if wanted:
            epoch = step // trainer.steps_per_epoch
            states = program.each(
                program.state, lambda: checkpoint.capture(trainer.model, step, epoch)
            )
            for i in wanted:
                self._rewinds[i] = states[i]
        if step in trainer.averaged:
            self._sums = jax.tree.map(operator.add, self._sums, program.network)

    def _averaged(self) -> Network:
        averaged = {id(variable) for variable in self._trainer.averaged_variables()}
        network: Network = jax.tree.map(
            lambda variable, total, value: (
                total / len(self._trainer.averaged) if id(variable) in averaged else value
            ),
            self._vectorized.single.variables()[:2],
            self._sums,
            self._program.network,
        )
        return network
