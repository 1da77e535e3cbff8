"""The plain, compacted, quantized and dense variants of the model to export."""

import warnings
from collections.abc import Collection
from typing import Any

import numpy as np

from keras_lottery import backend, masking
from keras_lottery.errors import LotteryError, reason_of, unknown_name
from keras_lottery.exporters.exporter import Exporter

_KERAS_INT8 = "Keras' int8"
QUANTIZATIONS = ("int8",)
_NOISE = 1 << 20  # distinct values


def check_quantization(quantize: str | None, format: str, exporter: Exporter) -> None:
    """Raises LotteryError for an unknown quantization, or one the format doesn't support."""
    if quantize is None:
        return
    if quantize not in QUANTIZATIONS:
        raise unknown_name("quantization", quantize, QUANTIZATIONS)
    if not exporter.quantizes:
        raise LotteryError(
            f"Expected a format with int8. Received: {format!r}, which has none that works. Use "
            "the format litert or onnx."
        )


def quantized(model: Any, exporter: Exporter, quantize: str | None) -> tuple[Any, str]:
    """Returns the model to write, and what quantizes it.

    A format's own quantization takes the float model; otherwise Keras quantizes a copy.

    Raises:
        LotteryError: Keras quantizes none of its layers.
    """
    if quantize is None:
        return model, ""
    if exporter.int8:
        return model, exporter.int8
    copy = masking.strip(model)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Keras warns of every layer that stays as it is
            copy.quantize(quantize)
    except Exception as error:  # whatever a layer of the user's raises
        raise LotteryError(
            f"Expected a model that Keras can quantize to {quantize}. Received: "
            f"{reason_of(error)} Use the format litert, which quantizes by itself."
        ) from error
    if not any("int8" in str(variable.dtype) for variable in copy.weights):
        raise LotteryError(
            f"Expected layers that Keras quantizes to {quantize}: Dense, EinsumDense, Embedding. "
            "Received: a model without any. Use the format litert, which quantizes convolutions "
            "too."
        )
    return copy, _KERAS_INT8


def fill_zeros(model: Any, prunable: Collection[str]) -> None:
    """Fills the zeros in prunable variables of a plain model, as a dense network to compare with.

    The values are drawn from a normal distribution as wide as the survivors.
    """
    if not prunable:
        return
    noise = np.random.default_rng(0).standard_normal(_NOISE, "float32")
    for path, variable in masking.variables(model).items():
        if path not in prunable:
            continue
        stored = backend.view(variable.value)
        zeros = stored == 0
        if zeros.any():
            value = backend.aligned_zeros(stored.shape, stored.dtype.name)
            np.copyto(value, stored)
            spread = max(value.max(), -value.min()) / 3 or 0.05
            np.putmask(value, zeros, (spread * noise).astype(value.dtype))  # repeats the noise
            variable.assign(backend.tensor_of(value))
