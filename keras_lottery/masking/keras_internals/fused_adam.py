"""Keras' Adam on torch, updated in one pass over memory by torch's fused kernel for CPUs."""

import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras

from keras_lottery.masking.keras_internals.trainer import innermost, replaced

_UPDATE = "_backend_update_step"
# After so many steps a decay is 0, and the kernel corrects no bias.
_NO_BIAS = 1e9


@contextmanager
def fused_adam(optimizer: Any) -> Iterator[None]:
    """Updates Adam and AdamW on torch with torch's fused kernel, other optimizers as before.

    So is a subclass of Adam with `l2_in_gradient`, which adds `l2 · weight` to the gradients. Keras
    makes a dozen passes over the weights. On a CPU the square root alone, which torch computes
    slowly there, takes longer than the fused kernel. Results differ by rounding.
    """
    optimizer = innermost(optimizer)
    if not _is_adam(optimizer):
        yield
        return
    with replaced(optimizer, _UPDATE, types.MethodType(_update, optimizer)):
        yield


def _is_adam(optimizer: Any) -> bool:
    if keras.config.backend() != "torch":
        return False
    from keras.src.backend.torch.optimizers.torch_adam import Adam

    if getattr(optimizer, "l2_in_gradient", False):
        return isinstance(optimizer, keras.optimizers.Adam)
    step = "_parallel_update_step"
    return getattr(type(optimizer), step, None) is vars(Adam)[step]


def _update(
    self: Any, gradients: Sequence[Any], variables: Sequence[keras.Variable], rate: Any
) -> None:
    """Replaces `optimizer._backend_update_step`."""
    import torch
    from torch.optim.adam import adam

    index = [self._get_variable_index(variable) for variable in variables]
    slots = [self._momentums, self._velocities, self._velocity_hats if self.amsgrad else []]
    moments, squares, maxima = [[s[i].value for i in index if s] for s in slots]
    weights = [variable.value.detach() for variable in variables]
    lists = [weights, list(gradients), moments, squares]
    if not _fusable([tensor for group in lists for tensor in group]):
        getattr(type(self), _UPDATE)(self, gradients, variables, rate)
        return
    # Keras adds epsilon before it corrects the bias, so the rate has both corrections.
    step = keras.ops.convert_to_tensor(self.iterations, "float32") + 1
    first, second = [1 - keras.ops.power(beta, step) for beta in (self.beta_1, self.beta_2)]
    rate = keras.ops.convert_to_tensor(rate, "float32") * torch.sqrt(second) / first
    adam(
        *lists,
        maxima,
        [torch.tensor(_NO_BIAS) for _ in weights],
        fused=True,
        lr=rate,
        beta1=self.beta_1,
        beta2=self.beta_2,
        eps=self.epsilon,
        amsgrad=self.amsgrad,
        weight_decay=getattr(self, "l2", 0.0),  # torch's name for it
        maximize=False,
    )


def _fusable(tensors: Sequence[Any]) -> bool:
    """Returns True if the CPU's kernel takes the tensors, which it reads as flat memory."""
    import torch

    return all(t.is_cpu and t.dtype == torch.float32 and t.is_contiguous() for t in tensors)
