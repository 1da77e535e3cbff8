"""A model with a batch of inputs and its own answers to it."""

from typing import Any

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.export.exporter import Subject
from keras_lottery.export.plain import answers
from keras_lottery.export.reason import reason_of
from keras_lottery.export.signature import given_batch, random_batch, signature_of
from keras_lottery.types import VariableInfo

_LENGTHS = (16, 64, 256)


def subject_of(model: Any, infos: list[VariableInfo], example: Any = None) -> Subject:
    """Notes what the plain `model` answers to `example`, or to a batch drawn at random.

    Integers are drawn below the smallest embedding of the model. Where a shape leaves a length
    open, longer ones are tried until the model runs.

    Raises:
        LotteryError: the model does not run on the batch, or answers with nothing finite.
    """
    signature = signature_of(model, example)
    if example is not None:
        batches = [given_batch(signature, example)]
    else:
        high = min((i.shape[0] for i in infos if i.kind == "embedding"), default=2)
        open_lengths = any(None in spec.shape[1:] for spec in signature.inputs)
        lengths = _LENGTHS if open_lengths else _LENGTHS[:1]
        batches = [random_batch(signature, length=n, high=high) for n in lengths]
    reason = ""
    for batch in batches:
        try:
            subject = Subject(model, signature, batch, answers(model, signature, batch))
        except Exception as error:  # whatever the user's layers and the backend raise
            reason = reason_of(error)
            continue
        _check_finite(subject)
        return subject
    raise LotteryError(
        f"Expected a model that runs on a batch of its input shapes. Received: {reason} "
        "Pass a batch that it accepts as `inputs`."
    )


def _check_finite(subject: Subject) -> None:
    outputs = subject.outputs.values()
    if not any(np.isfinite(value.astype(np.float64)).any() for value in outputs):
        raise LotteryError(
            "Expected a model with finite outputs. Received: nothing but NaN and infinities. "
            "Train it again, or pass a batch that it can answer as `inputs`."
        )
