"""The parametrization protocol and its registry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from keras_lottery.registry import Registry

Draw = Callable[[tuple[int, ...], np.random.Generator], NDArray[Any]]
"""Initializer of a variable, `(shape, rng)` -> values; the same on every backend."""


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Returns zeros."""
    return np.zeros(shape, np.float32)


@dataclass(frozen=True)
class Extra:
    """A variable that a parametrization adds to the stored weight.

    Args:
        name: its key in the `extras` of `effective`.
        draw: initializer.
        trainable: True for learned scores, which are float32 under any dtype policy; False for
            values that neither optimizers nor weight decay may change.
        scalar: True for a single number; otherwise it has the weight's shape.
    """

    name: str
    draw: Draw = zeros
    trainable: bool = False
    scalar: bool = False


class Parametrization(Protocol):
    """Computes the effective weight from the stored weight, the mask and the extras.

    `effective` runs inside the compiled step, on tensors, and must give pruned positions no
    gradient: use `keras.ops.where`, never a product, since 0 times infinity is not 0.

    Attributes:
        learned: True if scores are trained instead of the stored weights, which then keep their
            values bit for bit, pruned or not.
        draws: True if `effective` needs random numbers: `extras["seed"]` is a seed generator.
        keep: initial density of every variable if the mask only sets how many weights are kept;
            else None.
    """

    name: str
    extras: tuple[Extra, ...]
    learned: bool
    draws: bool
    keep: float | None

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight that the network uses, with the shape and dtype of `stored`."""
        ...

    def effective_in_step(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns `effective` inside a compiled training step, where `stored` is 0 if pruned."""
        ...

    def mask(self, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the mask of the stripped model: the learned one, or `kept`."""
        ...

    def folded(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight of the stripped model: `effective` without sampling."""
        ...


parametrizations: Registry[Parametrization] = Registry("parametrization")
for _name, _location in (
    ("zero", "fixed:zero"),
    ("frozen", "fixed:frozen"),
    ("bernoulli", "bernoulli:bernoulli"),
    ("bernoulli_rescaled", "bernoulli:bernoulli_rescaled"),
    ("edge_popup", "edge_popup:edge_popup"),
    ("edge_popup_scaled", "edge_popup:edge_popup_scaled"),
):
    parametrizations.register_lazily(_name, f"keras_lottery.masking.parametrizations.{_location}")
