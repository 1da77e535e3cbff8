"""What the agents share: the model in TF-Agents' hands, and where a training puts it."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import ModuleType
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from keras_lottery.errors import DivergedError
from keras_lottery.tasks.rl.environments.games import Played
from keras_lottery.training import checkpoint
from keras_lottery.training.checkpoint import restore_start
from keras_lottery.types import Start, State


class Agent(Protocol):
    """One algorithm, as the loop over games and training steps drives it.

    Args:
        model: the masked network that is pruned.
        frames_per_step: frames played for one training step.
        steps_a_call: training steps between which no frame is played.
        whole_rounds: a step of all games counts all of them, also where one only began anew; so
            training steps have a fixed number of rounds between them.
    """

    model: keras.Model
    frames_per_step: int
    steps_a_call: int
    whole_rounds: bool

    def compile(self) -> None:
        """Traces and compiles everything; what it trains on is made up."""
        ...

    def restore(self, start: Start) -> None:
        """Puts weights, masks, optimizer and all else where a training begins."""
        ...

    def begin(self, frames: NDArray[Any]) -> None:
        """Is told that all games begin now, and their first frames."""
        ...

    def forget(self) -> None:
        """Is told that the rewind point is passed: what the config empties there is emptied."""
        ...

    def act(
        self, observations: NDArray[Any], progress: float, rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """Returns an action a game, explored as the progress of the training, in [0, 1], asks."""
        ...

    def greedy(self, observations: NDArray[Any]) -> NDArray[np.int64]:
        """Returns the best action a game."""
        ...

    def note(
        self, actions: NDArray[np.int64], rewards: NDArray[np.float32], played: Played
    ) -> None:
        """Is told what followed on the last actions."""
        ...

    def learn(self, steps: int, observations: NDArray[Any], rng: np.random.Generator) -> None:
        """Takes training steps, where it has enough to learn from.

        Args:
            steps: how many, at most `steps_a_call`.
            observations: what is seen now.
            rng: chooses the examples.
        """
        ...

    def logs(self) -> dict[str, float]:
        """Returns means since the last call, e.g. of the loss."""
        ...

    def capture(self, step: int, epoch: int) -> State:
        """Returns the full state."""
        ...


def place_model(model: keras.Model, start: Start, fresh_optimizer: State) -> State:
    """Puts the network and its optimizer where a training begins.

    Returns:
        What the state holds beside them: entries of the agent's own, without `optimizer/`.
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
    """Returns the full state; `agent_state` belongs to the learner, as the optimizer's slots do."""
    return checkpoint.capture(model, step, epoch) | {
        f"optimizer/{k}": v for k, v in agent_state.items()
    }


def _is_own(key: str) -> bool:
    return key.startswith("optimizer/") and not key.removeprefix("optimizer/").isdigit()


def loss_of(train: Callable[..., Any], arrays: Iterable[Any]) -> Any:
    """Calls a compiled training step and returns its loss.

    Raises:
        DivergedError: the loss is not finite. (Under XLA TF-Agents does not look.)
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
def without_gym() -> Iterator[None]:
    """Keeps TF-Agents from importing `gym`, which is not kept any more and says so at length.

    TF-Agents wants it for wrappers that nothing here uses. An empty module stands in for it.
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
    """Means of numbers that come in over time."""

    def __init__(self) -> None:
        self._sums: dict[str, list[Any]] = {}

    def add(self, **values: Any) -> None:
        """Adds one value a name: a number, an array or a tensor."""
        for name, value in values.items():
            self._sums.setdefault(name, []).append(value)

    def take(self) -> dict[str, float]:
        """Returns the means and forgets the numbers."""
        taken, self._sums = self._sums, {}
        return {
            name: float(np.mean([np.mean(np.asarray(v)) for v in values]))
            for name, values in taken.items()
        }


def share(arrays: Any, replicas: int) -> Any:
    """Returns this replica's part of a batch, of a static shape."""
    if replicas == 1:
        return arrays
    here = tf.distribute.get_replica_context().replica_id_in_sync_group

    def part(array: Any) -> Any:
        size = array.shape[0] // replicas
        begin = [here * size] + [0] * (len(array.shape) - 1)
        return tf.slice(array, begin, [size, *array.shape[1:]])

    return tf.nest.map_structure(part, arrays)
