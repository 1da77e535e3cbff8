"""A layer wrapper that masks the layer inside."""

import inspect
from typing import Any

import keras

from keras_lottery.masking import arguments
from keras_lottery.masking.learned import check_keep
from keras_lottery.masking.mask_holder import mark_wrapper
from keras_lottery.masking.masked_layer import set_options
from keras_lottery.masking.options import options_from
from keras_lottery.masking.parametrizations import parametrizations

__all__ = ["Masked"]


@mark_wrapper
@keras.saving.register_keras_serializable("keras_lottery", "Masked")
class Masked(keras.layers.Wrapper):
    """Masks the weights of the layer that it wraps, in a Sequential or functional model.

    Structural paths skip the wrapper, and this package treats it like a layer masked by `mask`.
    (Keras' own weight files include the wrapper: a dense file loads into a model masked by `mask`,
    but not into one with wrappers.)

    Args:
        layer: the layer, built or not.
        biases: mask biases too.
        norms: mask the scales and shifts of normalization layers too.
        embeddings: mask embeddings.
        parametrization: as in `mask`; learned masks freeze all other weights of this layer, but
            not of other layers.
        keep: `edge_popup`: fraction of every variable's weights that is kept; 0.5 by default.
        kwargs: arguments of `keras.layers.Layer`, such as `name`.

    Example:
        >>> model = keras.Sequential([keras.Input((8,)), Masked(keras.layers.Dense(4))])
    """

    def __init__(
        self,
        layer: keras.Layer,
        biases: bool = False,
        norms: bool = False,
        embeddings: bool = True,
        parametrization: str = "zero",
        keep: float | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("name", f"masked_{arguments.prunable_layer(layer).name}")
        super().__init__(layer, **kwargs)
        check_keep(keep, parametrization)
        parametrizations[parametrization]
        # Wrapping is an explicit choice, so frozen layers are masked too.
        self.options = options_from("*", biases=biases, norms=norms, embeddings=embeddings)
        self.parametrization = parametrization
        self.keep = keep
        self.supports_masking = layer.supports_masking
        set_options(layer, self.options, parametrization, keep)

    def build(self, input_shape: Any = None) -> None:
        """Builds and masks the layer; a layer with several inputs is built when called."""
        if self.layer.built:
            return
        required = [
            p
            for p in inspect.signature(self.layer.build).parameters.values()
            if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD
        ]
        if len(required) <= 1:
            self.layer.build(input_shape)

    def call(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        return self.layer(inputs, *args, **kwargs)

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        if not self.layer.built:
            self.layer(inputs, *args, **kwargs)
        return self.layer.compute_output_spec(inputs, *args, **kwargs)

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        return self.layer.compute_output_shape(*args, **kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        return self.layer.compute_mask(inputs, previous_mask)

    def get_config(self) -> dict[str, Any]:
        options = {name: getattr(self.options, name) for name in ("biases", "norms", "embeddings")}
        masks = {"parametrization": self.parametrization, "keep": self.keep}
        return {**super().get_config(), **options, **masks}
