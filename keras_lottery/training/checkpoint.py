"""The full state of a training as NumPy arrays, and restoring it bit for bit."""

import zlib
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.errors import LotteryError
from keras_lottery.training.optimizers import restart_schedule
from keras_lottery.types import Start, State

# The backend's own generator, where it has one beside Keras' seed generators.
_BACKEND_SEED = "seeds/backend"


def capture(model: keras.Model, step: int = 0, epoch: int = 0) -> State:
    """Returns weights, batch-norm statistics, seed generators and the optimizer's variables.

    Args:
        model: built; with its optimizer if it is compiled.
        step: optimizer steps done.
        epoch: epochs done.
    """
    state: State = {f"weights/{p}": v for p, v in masking.get_weights(model).items()}
    state |= {f"carried/{p}": _array(v) for p, v in masking.carried(model).items()}
    state |= capture_seeds(model)
    state |= capture_optimizer(model.optimizer)
    return state | {"step": np.array([step]), "epoch": np.array([epoch])}


def capture_seeds(model: keras.Model) -> State:
    """Returns the seed generators, as `seeds/<path>`."""
    generators = masking.seed_generators(model)
    state: State = {f"seeds/{p}": _array(v) for p, v in generators.items()}
    if (drawn := backend.generator_state()) is not None:
        state[_BACKEND_SEED] = drawn
    return state


def capture_optimizer(optimizer: keras.optimizers.Optimizer | None) -> State:
    """Returns the optimizer's variables in their order, as `optimizer/<i>`."""
    variables = optimizer.variables if optimizer is not None else []
    return {f"optimizer/{i:04d}": _array(v) for i, v in enumerate(variables)}


def restore(model: keras.Model, state: State) -> None:
    """Puts every part of a captured state back: bit-equal weights, slots and seeds."""
    weights = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    masking.set_weights(model, weights)
    restore_carried(model, state)
    restore_seeds(model, state)
    restore_optimizer(model.optimizer, state)


def restore_optimizer(optimizer: keras.optimizers.Optimizer | None, state: State) -> None:
    """Puts the optimizer's variables back.

    Raises:
        LotteryError: the state is that of another optimizer.
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
    """Puts back what a network carries from batch to batch; zeros where the state has none."""
    for path, variable in masking.carried(model).items():
        held = state.get(f"carried/{path}")
        variable.assign(np.zeros(variable.shape, np.float32) if held is None else held)


def restore_seeds(model: keras.Model, state: State) -> None:
    """Puts the seed generators back."""
    for path, variable in masking.seed_generators(model).items():
        variable.assign(state[f"seeds/{path}"])
    if _BACKEND_SEED in state and backend.name() == "torch":
        backend.set_generator_state(state[_BACKEND_SEED])


def reset_seeds(model: keras.Model, seed: int) -> None:
    """Starts every seed generator afresh from `seed`, each in a stream of its own."""
    backend.seed_generator(seed)
    for path, variable in masking.seed_generators(model).items():
        stream = np.random.SeedSequence([seed, zlib.crc32(path.encode())])
        variable.assign(stream.generate_state(1).astype(np.int64)[0] % 2**31 * np.array([1, 0]))


def _array(variable: keras.Variable) -> Any:
    # A copy: on a CPU `convert_to_numpy` may share memory with what training overwrites.
    return np.array(keras.ops.convert_to_numpy(variable.value))


def restore_start(model: keras.Model, start: Start, fresh_optimizer: State) -> None:
    """Restores weights, masks, optimizer, seed generators and metrics of a start, by assignment.

    What a network carries from batch to batch is restored, or starts from zeros. The
    scores of learned masks are re-initialized from the start's seed.

    Args:
        model: masked and compiled, its optimizer built.
        start: where the training begins.
        fresh_optimizer: `capture_optimizer` of the optimizer as it was built.
    """
    state = start.state or {}
    held = {key.partition("/")[0] for key in state}
    masking.set_weights(model, start.weights)
    restore_carried(model, state)
    restore_optimizer(model.optimizer, state if "optimizer" in held else fresh_optimizer)
    if "seeds" in held:
        restore_seeds(model, state)
    else:
        reset_seeds(model, start.seed)
    # Last, since it also zeroes the stored weights and the slots at pruned positions.
    full = {path: np.ones_like(mask) for path, mask in masking.get_masks(model).items()}
    none = {path: np.zeros_like(fill) for path, fill in masking.get_fills(model).items()}
    masking.set_masks(model, full | start.masks, none | start.fills, optimizers=(model.optimizer,))
    if masking.is_learned(model):
        masking.draw_scores(model, start.seed)
    restart_schedule(model.optimizer, start.learning_rate_step)
    model.reset_metrics()
