"""What a parametrization offers, and the names of those that there are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from keras_lottery.registry import Registry


@dataclass(frozen=True)
class Extra:
    """A variable that a parametrization keeps beside the stored weight, of the weight's shape.

    Args:
        name: key under which `effective` finds its value.
        initializer: Keras initializer, by name.
        trainable: True for learned scores; False for what no optimizer and no decay may move.
    """

    name: str
    initializer: str = "zeros"
    trainable: bool = False


class Parametrization(Protocol):
    """One way of making the used weight of stored weight, mask and extras.

    `effective` runs inside the compiled step, with tensors, and must give the pruned positions no
    gradient: use `keras.ops.where`, never a product, since 0 times infinity is not 0.
    """

    name: str
    extras: tuple[Extra, ...]

    def effective(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the weight that the network uses, of the shape and dtype of `stored`."""
        ...

    def effective_in_step(self, stored: Any, kept: Any, extras: Mapping[str, Any]) -> Any:
        """Returns the same in a compiled training step, where `stored` is 0 where pruned."""
        ...


parametrizations: Registry[Parametrization] = Registry("parametrization")
parametrizations.register_lazily("zero", "keras_lottery.masking.parametrizations.zero:zero")
parametrizations.register_lazily("frozen", "keras_lottery.masking.parametrizations.frozen:frozen")
