"""Whether a network's output still depends on its input."""

from typing import Any

import keras
import numpy as np

from keras_lottery.masking import learned

__all__ = ["EXAMPLES", "ignores_input"]

EXAMPLES = 8
_OPEN_LENGTH = 32


def ignores_input(model: keras.Layer) -> bool:
    """Returns True where a model gives one output for `EXAMPLES` different random inputs.

    The inputs are normal, at scales from 0.1 to 10. It is False where that cannot be tried: for a
    model whose inputs are not known (a subclassed one) or not floats, or whose masks draw.
    """
    inputs = _inputs(model)
    if inputs is None or learned.draws(model):
        return False
    rng = np.random.default_rng(0)
    batch = keras.tree.map_structure(lambda tensor: _draw(tensor, rng), inputs)
    try:
        outputs = keras.tree.flatten(model(batch, training=False))
        values = [np.asarray(keras.ops.convert_to_numpy(o), np.float64) for o in outputs]
    except Exception:  # whatever the user's layers raise for numbers that they don't expect
        return False
    return all(v.shape[:1] == (EXAMPLES,) and bool(np.all(v == v[:1])) for v in values)


def _inputs(model: keras.Layer) -> Any:
    """Returns the symbolic inputs of a functional or sequential model of floats, or None."""
    try:
        tensors = list(model.inputs)
    except AttributeError:  # a layer, a subclassed model, or one that was built otherwise
        return None
    if not tensors or not all("float" in str(tensor.dtype) for tensor in tensors):
        return None
    return tensors[0] if len(tensors) == 1 else model.input


def _draw(tensor: Any, rng: np.random.Generator) -> Any:
    shape = (EXAMPLES, *(_OPEN_LENGTH if n is None else int(n) for n in tensor.shape[1:]))
    scales = np.logspace(-1, 1, EXAMPLES).reshape(-1, *[1] * (len(shape) - 1))
    return keras.ops.convert_to_tensor(rng.normal(size=shape) * scales, tensor.dtype)
