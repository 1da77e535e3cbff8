"""Capturing the full state of a training as NumPy arrays, and restoring it bit for bit."""

import zlib
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.errors import LotteryError
from keras_lottery.masking.keras_internals import restart_from_weights
from keras_lottery.training.optimizers import restart_schedule
from keras_lottery.types import Start, State

# The backend's own generator, if it has one besides Keras' seed generators.
_BACKEND_SEED = "seeds/backend"


def capture(model: keras.Model, step: int = 0, epoch: int = 0) -> State:
    """Returns weights, scores, batch-norm statistics, seed generators and optimizer variables.

    Args:
        model: built; compiled or not.
        step: optimizer steps so far.
        epoch: epochs so far.
    """
    state: State = {f"weights/{p}": v for p, v in masking.get_weights(model).items()}
    state |= {f"carried/{p}": _array(v) for p, v in masking.carried(model).items()}
    state |= {f"scores/{i:04d}": _array(v) for i, v in enumerate(masking.scores(model))}
    state |= capture_seeds(model)
    state |= capture_optimizer(model.optimizer)
    return state | {"step": np.array([step]), "epoch": np.array([epoch])}


def capture_seeds(model: keras.Model) -> State:
    """Returns the seed generators, as `seeds/<path>`."""
    generators = masking.seed_generators(model)
    state: State = {f"seeds/{p}": _array(v) for p, v in generators.items()}
    if (generator := backend.generator_state()) is not None:
        state[_BACKEND_SEED] = generator
    return state


def capture_optimizer(optimizer: keras.optimizers.Optimizer | None) -> State:
    """Returns the optimizer's variables in their order, as `optimizer/<i>`."""
    variables = optimizer.variables if optimizer is not None else []
    return {f"optimizer/{i:04d}": _array(v) for i, v in enumerate(variables)}


def restore(model: keras.Model, state: State) -> None:
    """Restores a captured state bit for bit: weights, scores, optimizer slots and seeds."""
    weights = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    masking.set_weights(model, weights)
    for i, variable in enumerate(masking.scores(model)):
        variable.assign(state[f"scores/{i:04d}"])
    restore_carried(model, state)
    restore_seeds(model, state)
    restore_optimizer(model.optimizer, state)


def restore_optimizer(optimizer: keras.optimizers.Optimizer | None, state: State) -> None:
    """Restores the optimizer's variables.

    Raises:
        LotteryError: the state belongs to another optimizer.
    """
    slots = {k: v for k, v in state.items() if k.startswith("optimizer/")}
    variables = list(optimizer.variables) if optimizer is not None else []
    if len(slots) != len(variables):
        raise LotteryError(
            f"Expected the state of an optimizer with {len(variables)} variables. "
            f"Received one with {len(slots)}. Use the optimizer that it was captured from."
        )
    for i, variable in enumerate(variables):
        variable.assign(slots[f"optimizer/{i:04d}"])


def restore_carried(model: keras.Model, state: State) -> None:
    """Restores the state carried from batch to batch; zeros if the captured state has none."""
    for path, variable in masking.carried(model).items():
        value = state.get(f"carried/{path}")
        variable.assign(np.zeros(variable.shape, np.float32) if value is None else value)


def restore_seeds(model: keras.Model, state: State) -> None:
    """Restores the seed generators."""
    for path, variable in masking.seed_generators(model).items():
        variable.assign(state[f"seeds/{path}"])
    if _BACKEND_SEED in state and backend.name() == "torch":
        backend.set_generator_state(state[_BACKEND_SEED])


def reset_seeds(model: keras.Model, seed: int) -> None:
    """Resets every seed generator from `seed`, each to its own stream."""
    backend.seed_generator(seed)
    for path, variable in masking.seed_generators(model).items():
        stream = np.random.SeedSequence([seed, zlib.crc32(path.encode())])
        variable.assign(stream.generate_state(1).astype(np.int64)[0] % 2**31 * np.array([1, 0]))


def _array(variable: keras.Variable) -> Any:
    # A copy: training overwrites the memory that a view shares on a CPU.
    return np.array(backend.view(variable.value))


def restore_start(model: keras.Model, start: Start, fresh_optimizer: State) -> None:
    """Restores weights, masks, optimizer, seed generators and metrics of a start, by assignment.

    State carried from batch to batch is restored, or starts from zeros. The scores of learned
    masks are re-initialized from the start's seed.

    Args:
        model: masked and compiled, its optimizer built.
        start: where the training begins.
        fresh_optimizer: `capture_optimizer` of the newly built optimizer.
    """
    state = start.state or {}
    parts = {key.partition("/")[0] for key in state}
    masking.set_weights(model, start.weights)
    restore_carried(model, state)
    restore_optimizer(model.optimizer, state if "optimizer" in parts else fresh_optimizer)
    if "seeds" in parts:
        restore_seeds(model, state)
    else:
        reset_seeds(model, start.seed)
    # Last: `set_masks` also zeroes weights and slots at pruned positions.
    none = {path: np.zeros_like(fill) for path, fill in masking.get_fills(model).items()}
    masking.set_masks(model, start.masks, none | start.fills, optimizers=(model.optimizer,))
    if masking.is_learned(model):
        masking.draw_scores(model, start.seed)
    if "optimizer" not in parts:
        restart_from_weights(model.optimizer)
    restart_schedule(model.optimizer, start.learning_rate_step)
    model.reset_metrics()
