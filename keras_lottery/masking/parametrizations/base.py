"""What a parametrization offers, and the names of those that there are."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from keras_lottery.registry import Registry

Draw = Callable[[tuple[int, ...], np.random.Generator], NDArray[Any]]
"""First values of a variable of a shape; the same on every backend."""


def zeros(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[Any]:
    """Returns zeros."""
    return np.zeros(shape, np.float32)


@dataclass(frozen=True)
class Extra:
    """A variable that a parametrization keeps beside the stored weight.

    Args:
        name: key under which `effective` finds its value.
        draw: its first values.
        trainable: True for learned scores, which are float32 whatever the policy; False for what
            no optimizer and no decay may move.
        scalar: True for one number; otherwise it has the weight's shape.
    """

    name: str
    draw: Draw = zeros
    trainable: bool = False
    scalar: bool = False


class Parametrization(Protocol):
    """One way of making the used weight of stored weight, mask and extras.

    `effective` runs inside the compiled step, with tensors, and must give the pruned positions no
    gradient: use `keras.ops.where`, never a product, since 0 times infinity is not 0.

    Attributes:
        learned: True where scores are trained and the stored weights are not: those keep their
            values bit for bit, where the mask prunes too.
        draws: True where `effective` needs random numbers: `extras["seed"]` is a seed generator.
        keep: fraction of every variable that is kept at first where a mask says no more than how
            many weights are kept; else None.
    """

    name: str
    extras: tuple[Extra, ...]
    learned: bool
    draws: bool
    keep: float | None

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight that the network uses, of the shape and dtype of `stored`."""
        ...

    def effective_in_step(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the same in a compiled training step, where `stored` is 0 where pruned."""
        ...

    def mask(self, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns which weights a plain model made of this one keeps: learned, or `kept`."""
        ...

    def folded(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight of a plain model: `effective` without any chance in it."""
        ...


class Fixed:
    """A parametrization whose mask is given: what is used is what is shipped."""

    learned = False
    draws = False
    keep: float | None = None

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """See `Parametrization`."""
        raise NotImplementedError

    def mask(self, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns `kept`."""
        return kept

    def folded(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns `effective`."""
        return self.effective(stored, kept, extras)


parametrizations: Registry[Parametrization] = Registry("parametrization")
for _name, _location in (
    ("zero", "zero:zero"),
    ("frozen", "frozen:frozen"),
    ("bernoulli", "bernoulli:bernoulli"),
    ("bernoulli_rescaled", "bernoulli:bernoulli_rescaled"),
    ("edge_popup", "edge_popup:edge_popup"),
    ("edge_popup_scaled", "edge_popup:edge_popup_scaled"),
):
    parametrizations.register_lazily(_name, f"keras_lottery.masking.parametrizations.{_location}")
