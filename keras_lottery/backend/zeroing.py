"""Setting entries of tensors to zero where a mask is False.

On a CPU, torch's `where` and `masked_fill` take as long for a random mask as dozens of products,
and a product isn't exact, since 0 times infinity is NaN. A product of the bits, read as integers,
is both fast and exact.
"""

from typing import Any

from keras import ops

from keras_lottery.backend import runtime

__all__ = ["zero_in_place", "zeroed"]

_CHUNK = 2**18
"""Entries for which torch's copy of the mask as integers fits in a processor's cache."""


def zeroed(value: Any, kept: Any) -> Any:
    """Returns `value` where `kept`, else exactly 0, without a gradient there."""
    bits = _bits(value) if runtime.name() == "torch" else None
    if bits is None:
        return ops.where(kept, value, ops.zeros((), value.dtype))
    return (bits * _zeros_and_ones(kept)).view(value.dtype)


def zero_in_place(value: Any, kept: Any) -> bool:
    """Sets a torch tensor to exactly 0 where it isn't kept, unseen by autograd.

    Returns:
        False if nothing was done: on other backends, and for complex numbers.
    """
    if runtime.name() != "torch" or (bits := _bits(value.data)) is None:
        return False
    kept = _zeros_and_ones(kept)
    if bits.is_cpu and bits.numel() > _CHUNK and bits.is_contiguous() and kept.is_contiguous():
        for part, ones in zip(bits.view(-1).split(_CHUNK), kept.view(-1).split(_CHUNK)):
            part.mul_(ones)
    else:
        bits.mul_(kept)
    return True


def _bits(value: Any) -> Any:
    """Returns the bits of a torch tensor as integers, or None if these can't replace it."""
    import torch

    integers = {2: torch.int16, 4: torch.int32, 8: torch.int64}
    integer = integers.get(value.element_size()) if value.is_floating_point() else None
    if integer is None or (value.requires_grad and torch.is_grad_enabled()):
        return None
    return value.view(integer)


def _zeros_and_ones(kept: Any) -> Any:
    import torch

    return kept.view(torch.int8)
