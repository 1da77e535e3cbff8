"""Shared by all agents: restoring and capturing state, and the training step."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from absl import logging
from numpy.typing import NDArray

from keras_lottery.errors import DivergedError
from keras_lottery.tasks.rl.environments.games import Played
from keras_lottery.training import checkpoint
from keras_lottery.training.checkpoint import restore_start
from keras_lottery.types import Start, State


class Agent(Protocol):
    """One algorithm, driven by the loop over environment and training steps.

    Args:
        model: the masked network that is pruned.
        frames_per_step: frames collected per training step.
        steps_a_call: training steps without new frames in between.
        whole_rounds: a step of all environments counts all of them, even if one was only reset,
            so that training steps are a fixed number of environment steps apart.
    """

    model: keras.Model
    frames_per_step: int
    steps_a_call: int
    whole_rounds: bool

    def compile(self) -> None:
        """Traces and compiles everything, on synthetic transitions."""
        ...

    def restore(self, start: Start) -> None:
        """Restores weights, masks, optimizer and everything else to the start of a training."""
        ...

    def begin(self, frames: NDArray[Any]) -> None:
        """Receives the first frames after a reset of all environments."""
        ...

    def forget(self) -> None:
        """Empties what the config says to empty at the rewind point."""
        ...

    def act(
        self, observations: NDArray[Any], progress: float, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Returns one action per environment; `progress`, in [0, 1], sets the exploration."""
        ...

    def greedy(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Returns the greedy action of each environment."""
        ...

    def note(
        self, actions: NDArray[np.int64], rewards: NDArray[np.float32], played: Played
    ) -> None:
        """Receives the result of the last actions."""
        ...

    def learn(self, steps: int, observations: NDArray[Any], rng: np.random.Generator) -> None:
        """Takes training steps, if it has enough data.

        Args:
            steps: number of steps, at most `steps_a_call`.
            observations: current ones.
            rng: samples the examples.
        """
        ...

    def logs(self) -> dict[str, float]:
        """Returns means since the last call, e.g. of the loss."""
        ...

    def capture(self, step: int, epoch: int) -> State:
        """Returns the full state."""
        ...


def place_model(model: keras.Model, start: Start, fresh_optimizer: State) -> State:
    """Restores the network and its optimizer to the start of a training.

    Returns:
        The agent's own entries of the state, without `optimizer/`.
    """
    state = start.state or {}
    agent_state = {k: v for k, v in state.items() if _is_own(k)}
    restore_start(
        model,
        replace(start, state={k: v for k, v in state.items() if k not in agent_state}),
        fresh_optimizer,
    )
    return {k.removeprefix("optimizer/"): v for k, v in agent_state.items()}


def capture_model(model: keras.Model, step: int, epoch: int, agent_state: State) -> State:
    """Returns the full state; `agent_state` belongs to the learner, like the optimizer's slots."""
    return checkpoint.capture(model, step, epoch) | {
        f"optimizer/{k}": v for k, v in agent_state.items()
    }


def _is_own(key: str) -> bool:
    return key.startswith("optimizer/") and not key.removeprefix("optimizer/").isdigit()


def loss_of(train: Callable[..., Any], arrays: Iterable[Any]) -> Any:
    """Calls a compiled training step and returns its loss.

    Raises:
        DivergedError: the loss is not finite. (Under XLA, TF-Agents doesn't check.)
    """
    try:
        return train(*map(tf.convert_to_tensor, arrays))
    except tf.errors.InvalidArgumentError as error:
        if "inf or nan" not in str(error):
            raise
        raise DivergedError(
            "Expected a training with finite losses. Received: one whose loss is infinite or not a "
            "number. Lower optimizer.learning_rate or set optimizer.global_clipnorm."
        ) from error


@contextmanager
def without_warnings() -> Iterator[None]:
    """Keeps TF-Agents from warning that an optimizer is none of tf.keras, which it needn't be."""
    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextmanager
def without_gym() -> Iterator[None]:
    """Keeps TF-Agents from importing `gym`, which is unmaintained and warns about it at length.

    TF-Agents imports it for wrappers that aren't used here. An empty module replaces it.
    """
    missing = "gym" not in sys.modules
    if missing:
        sys.modules["gym"] = ModuleType("gym")
    try:
        yield
    finally:
        if missing:
            del sys.modules["gym"]


class Means:
    """Running means by name."""

    def __init__(self) -> None:
        self._sums: dict[str, list[Any]] = {}

    def add(self, **values: Any) -> None:
        """Adds one value per name: a number, an array or a tensor."""
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value)

    def take(self) -> dict[str, float]:
        """Returns the means and resets them."""
        taken, self._sums = self._sums, {}
        return {
            name: float(np.mean([np.mean(np.asarray(v)) for v in values]))
            for name, values in taken.items()
        }


def share(arrays: Any, replicas: int) -> Any:
    """Returns this replica's part of a batch, with a static shape."""
    if replicas == 1:
        return arrays
    here = tf.distribute.get_replica_context().replica_id_in_sync_group

    def part(array: Any) -> Any:
        size = array.shape[0] // replicas
        begin = [here * size] + [0] * (len(array.shape) - 1)
        return tf.slice(array, begin, [size, *array.shape[1:]])

    return tf.nest.map_structure(part, arrays)
