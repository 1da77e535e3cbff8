"""What a masked model does differently from its own class."""

from typing import Any

import keras

from keras_lottery import backend
from keras_lottery.masking import guard
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.classes import MaskedLayer, as_base, attach_pending
from keras_lottery.masking.holder import MaskedVariable, holder_of
from keras_lottery.masking.step import step_scope

__all__ = ["MaskedModel", "records"]


def records(layer: keras.Layer) -> list[MaskedVariable]:
    """Returns the masked variables in a layer or model, in the order of its layers."""
    holders = (holder_of(one) for one in internals.flatten_layers(layer))
    return [record for holder in holders if holder is not None for record in holder]


@keras.saving.register_keras_serializable("keras_lottery", "MaskedModel")
class MaskedModel(MaskedLayer):
    """A masked model: the outermost one, through which a network is trained and saved."""

    registered_name = "keras_lottery>MaskedModel"

    @classmethod
    def forwarded(cls) -> tuple[str, ...]:
        return ("call", "get_config", "compile", "load_weights", "train_step", "fit")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        outputs = super().__call__(*args, **kwargs)  # type: ignore[misc]
        attach_pending(self)
        return outputs

    def compile(self, *args: Any, **kwargs: Any) -> None:
        super().compile(*args, **kwargs)  # type: ignore[misc]
        guard.install(self)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        with as_base(self):  # Keras refuses a class that overrides `compile`
            self.compile_from_config(config)
        guard.install(self)

    def make_train_function(self, force: bool = False) -> Any:
        guard.install(self)
        return super().make_train_function(force=force)  # type: ignore[misc]

    def train_step(self, *args: Any, **kwargs: Any) -> Any:
        train_step = super().train_step  # type: ignore[misc]
        if backend.name() == "torch":
            return train_step(*args, **kwargs)
        # On JAX the first argument is the state, with the values of all variables.
        with step_scope(self, args[0][1] if backend.name() == "jax" else ()):
            return train_step(*args, **kwargs)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        zero_stored(self)  # which `train_step` relies on
        return super().fit(*args, **kwargs)  # type: ignore[misc]

    def set_weights(self, weights: list[Any]) -> None:
        super().set_weights(weights)  # type: ignore[misc]
        zero_stored(self)

    def load_weights(self, *args: Any, **kwargs: Any) -> None:
        super().load_weights(*args, **kwargs)  # type: ignore[misc]
        zero_stored(self)


def zero_stored(layer: keras.Layer) -> None:
    """Sets stored weights to exactly 0 where pruned."""
    for record in records(layer):
        record.zero_pruned()
