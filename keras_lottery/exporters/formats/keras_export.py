"""Keras' own exporters, with the names of a model's inputs and outputs."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.exporters.signature import Input, Signature, named


def keras_export(
    model: Any,
    signature: Signature,
    artifact: Path,
    format: str,
    batch: int | None = None,
    **options: Any,
) -> None:
    """Writes `model` with `model.export`, so that inputs and outputs have names.

    Args:
        model: any plain Keras model.
        signature: its inputs.
        artifact: the file to write.
        format: the format's name in Keras.
        batch: fixed batch size, for a converter that needs one.
        options: Keras' options of the format.
    """
    import keras

    class Named(keras.Model):
        """From inputs by name to outputs by name."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def call(self, inputs: dict[str, Any]) -> dict[str, Any]:
            outputs = named(model(*signature.bind(inputs), training=False), "output")
            # A separate node, in case an input is passed through.
            return {name: keras.ops.copy(value) for name, value in outputs.items()}

    wrapper = Named()
    wrapper.built = True
    wrapper.export(
        str(artifact),
        format=format,
        verbose=False,
        input_signature=[{i.name: _spec(i, batch) for i in signature.inputs}],
        **options,
    )


def is_weight(value: NDArray[Any]) -> bool:
    """Returns False for the shapes, axes, scales and zero points among a graph's constants."""
    return value.ndim > 0 and value.dtype not in (np.int32, np.int64)


def _spec(spec: Input, batch: int | None) -> Any:
    import keras

    shape = spec.shape if batch is None or spec.shape[:1] != (None,) else (batch, *spec.shape[1:])
    return keras.InputSpec(shape=shape, dtype=spec.dtype, name=spec.name)
