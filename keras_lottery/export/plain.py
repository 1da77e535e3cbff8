"""The plain model behind a masked one: its variables by path, and what it answers."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.export.report import StoredVariable
from keras_lottery.export.signature import Signature, named


def stored_variables(model: Any) -> tuple[StoredVariable, ...]:
    """Describes every variable of the plain `model`, seeds and metrics left out."""
    import keras

    from keras_lottery import masking

    return tuple(
        StoredVariable.of(path, keras.ops.convert_to_numpy(variable.value), variable.dtype)
        for path, variable in sorted(masking.variables(model).items())
    )


def answers(
    model: Any, signature: Signature, inputs: Mapping[str, NDArray[Any]]
) -> dict[str, NDArray[Any]]:
    """Calls `model` for inference; returns its outputs by name."""
    import keras

    from keras_lottery.backend.precision import full_precision

    tensors = {
        spec.name: keras.ops.convert_to_tensor(inputs[spec.name], dtype=spec.dtype)
        for spec in signature.inputs
    }
    with full_precision():
        outputs = named(model(*signature.bind(tensors), training=False), "output")
    return {name: np.asarray(keras.ops.convert_to_numpy(v)) for name, v in outputs.items()}
