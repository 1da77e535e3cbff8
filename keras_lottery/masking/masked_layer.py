"""Masked layers and models, and attaching masks to them: at once, or when the layer is built."""

import re
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

import keras

from keras_lottery import backend
from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.masking import gradient_mask, learned, paths, step
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.add_masks import Choice, add_masks, choose, choose_paths
from keras_lottery.masking.class_swap import own_class_view, swapped_class
from keras_lottery.masking.inventory import read_model
from keras_lottery.masking.mask_holder import (
    holder_of,
    is_wrapper,
    mark_zeroed,
    masked_variables,
    zero_if_written,
    zero_stored,
    zero_written,
)
from keras_lottery.masking.masked_variable import MaskedVariable, masked
from keras_lottery.masking.options import MaskOptions
from keras_lottery.masking.scope import MaskScope

__all__ = [
    "CONFIG_KEY",
    "MaskedLayer",
    "MaskedModel",
    "adopt",
    "attach",
    "attach_by_path",
    "is_swapped",
    "set_options",
    "set_pending",
]

CONFIG_KEY = "keras_lottery_masks"
PENDING = internals.hidden_name("pending")
OPTIONS = internals.hidden_name("options")


@keras.saving.register_keras_serializable("keras_lottery", "MaskedLayer")
class MaskedLayer(internals.LayerHooks):
    """Mixin: what a masked layer does differently from its own class."""

    keras_lottery_base: type[keras.Layer]
    built: bool
    registered_name = "keras_lottery>MaskedLayer"

    @property
    def trainable(self) -> bool:
        """Whether the layer is trained; learned masks keep everything else untrainable."""
        return bool(self.keras_lottery_base.trainable.fget(self))

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.keras_lottery_base.trainable.fset(self, value)
        if self.built and learned.is_learned(self):
            learned.freeze_rest(self)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        if step.reads_stored(self):
            return super().call(*args, **kwargs)  # type: ignore[misc]
        with MaskScope(self, holder_of(self) or ()):
            return super().call(*args, **kwargs)  # type: ignore[misc]

    def get_config(self) -> dict[str, Any]:
        config = dict(own_class_view(self).get_config())
        config[CONFIG_KEY] = {
            **internals.class_entry(self.keras_lottery_base),
            "variables": [list(pair) for pair in self.masked_names()],
        }
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any], **kwargs: Any) -> keras.Layer:
        """Rebuilds the object from its own class' config; it is masked once it is built."""
        config = dict(config)
        entry = dict(config.pop(CONFIG_KEY))
        names = [(name, kind) for name, kind in entry.pop("variables")]
        layer = keras.saving.deserialize_keras_object({**entry, "config": config})
        return set_pending(layer, names)

    def masked_names(self) -> list[tuple[str, str]]:
        """Returns (path, parametrization) of the masks in this layer, for the config.

        A layer around it may hold the mask of one of its variables.
        """
        pending = list(getattr(self, PENDING, ()))
        if not self.built:
            return pending
        held = {id(record): record for record in masked_variables(self)}
        named = ((p, held.get(id(masked(v)))) for p, v in paths.variables(self).items())
        return [*pending, *((p, r.parametrization.name) for p, r in named if r is not None)]

    @classmethod
    def forwarded(cls) -> tuple[str, ...]:
        """Returns the methods that keep the signature of the base class."""
        return ("call", "get_config")

    def after_build(self) -> None:
        attach_pending(self)

    def build_from_config(self, config: dict[str, Any]) -> None:
        super().build_from_config(config)  # type: ignore[misc]
        self.built = True  # Keras sets it next, even after running `call` instead of `build`
        attach_pending(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles and copies as Keras does, by the base class: the swapped one is in no module."""
        reduced: Any = super().__reduce__()
        return internals.unpickler(self.keras_lottery_base), reduced[1]

    def set_weights(self, weights: list[Any]) -> None:
        super().set_weights(weights)  # type: ignore[misc]
        zero_stored(self)

    def refuse(self, feature: str, remedy: str) -> LotteryError:
        return LotteryError(
            f"Expected a layer without masks for {feature}. Received: the masked layer "
            f"{self.name!r}. {remedy}"
        )

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        raise self.refuse("LoRA", "LoRA makes pruned weights dense: strip the model first.")


@keras.saving.register_keras_serializable("keras_lottery", "MaskedModel")
class MaskedModel(internals.StepHooks, MaskedLayer):
    """Mixin of masked models, which are compiled, trained and saved as a whole."""

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
        gradient_mask.install(self)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        own_class_view(self).compile_from_config(config)  # Keras refuses an overridden `compile`
        gradient_mask.install(self)

    def make_train_function(self, force: bool = False) -> Any:
        gradient_mask.install(self)
        made = super().make_train_function(force=force)  # type: ignore[misc]
        internals.before_each_call(self, partial(zero_if_written, masked_variables(self)))
        return made

    def before_steps(self) -> None:
        zero_written(self)

    def after_steps(self) -> None:
        mark_zeroed(self)

    def train_step(self, *args: Any, **kwargs: Any) -> Any:
        train_step = super().train_step  # type: ignore[misc]
        if backend.name() == "torch":
            with self._torch_scope():
                return train_step(*args, **kwargs)
        # On JAX the first argument is the state: the values of all variables.
        with step.step_scope(self, args[0][1] if backend.name() == "jax" else ()):
            return train_step(*args, **kwargs)

    def _torch_scope(self) -> AbstractContextManager[None]:
        """Returns the scope of a step on torch, which runs eagerly.

        `where` takes longer than the rest of a small step. Keras' own step needs none: it passes
        its gradients to the optimizer only, which masks them. Other steps may use them otherwise.
        On a GPU it costs little, and layers that compute again in `backward` do so in a thread
        that wouldn't see the scope.
        """
        names = ("train_step", "compute_loss")
        base: Any = self.keras_lottery_base
        own = all(getattr(base, name) is getattr(keras.Model, name) for name in names)
        if not own or not gradient_mask.is_guarded(getattr(self, "optimizer", None)):
            return nullcontext()
        found = masked_variables(self)
        if not all(record.variable.value.is_cpu for record in found):
            return nullcontext()
        is_zeroed = [record.zero_at_once() for record in found]
        layers = internals.flatten_layers(self) if all(is_zeroed) else ()
        return step.step_scope(self, guarded=True, zeroed=layers)

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        zero_stored(self)  # `train_step` relies on it
        history = super().fit(*args, **kwargs)  # type: ignore[misc]
        zero_stored(self)  # callbacks may have written after the last step
        return history

    def load_weights(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        is_of_keras_2 = re.search(r"(?<!\.weights)\.(h5|hdf5)$", str(filepath))
        try:
            super().load_weights(filepath, *args, **kwargs)  # type: ignore[misc]
        except ValueError as error:
            if not is_of_keras_2:
                raise
            raise LotteryError(  # Keras counts the masks among the weights of each layer
                f"Expected weights and masks of this model. Received: {str(filepath)!r}, in Keras "
                f"2's format ({reason_of(error)}) If its weights are dense, load it into the dense "
                "model, and mask that."
            ) from error
        zero_stored(self)


def attach_pending(layer: keras.Layer) -> None:
    """Adds pending masks once the layer is built; masks of missing variables stay pending."""
    if not layer.built:
        return
    if request := getattr(layer, OPTIONS, None):
        object.__setattr__(layer, OPTIONS, None)
        options, parametrization, keep = request
        chosen = choose(read_model(layer, options), options, parametrization)
        attach(layer, chosen, keep, is_new=True)
    if pending := getattr(layer, PENDING, ()):
        object.__setattr__(layer, PENDING, attach_by_path(layer, list(pending)))


def attach(
    layer: keras.Layer,
    chosen: Sequence[Choice],
    keep: float | None = None,
    is_new: bool = False,
) -> list[MaskedVariable]:
    """Masks variables of a built layer or model, which then uses and trains them under the masks.

    Args:
        layer: changed in place; its steps are retraced.
        chosen: the variables to mask; existing masks stay.
        keep: see `add_masks`.
        is_new: True if the layer was just built, so that no optimizer can hold its variables.

    Returns:
        The new masks.
    """
    new = [entry.variable for entry, _ in chosen if masked(entry.variable) is None]
    around = gradient_mask.guard_and_find_outer_models(layer, new) if new and not is_new else []
    for model in (layer, *around):
        internals.sync_trainer(model)
    added = add_masks(chosen, keep)
    if learned.is_learned(layer):
        learned.freeze_rest(layer)
    _swap_classes(layer)
    if isinstance(layer, keras.Model):
        gradient_mask.install(layer)
    for model in (layer, *around) if added else ():
        internals.retrack(model)
        internals.remake_functions(model)
    return added


def attach_by_path(layer: keras.Layer, names: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Masks variables by (path, parametrization); returns the names not in the layer (yet)."""
    chosen = choose_paths(read_model(layer), names)
    attach(layer, chosen, is_new=True)
    known = {entry.info.path for entry, _ in chosen}
    return [(path, kind) for path, kind in names if path not in known]


def adopt(model: keras.Layer) -> None:
    """Swaps the class of a model with masked layers and masks its gradients, as `mask` does."""
    if isinstance(model, keras.Model) and not is_swapped(model):
        internals.sync_trainer(model)
        give_class(model)
        gradient_mask.install(model)
        internals.remake_functions(model)


def set_pending(layer: keras.Layer, names: list[tuple[str, str]]) -> keras.Layer:
    """Masks variables of a layer by name once it is built; returns the layer."""
    give_class(layer)
    object.__setattr__(layer, PENDING, names)
    attach_pending(layer)
    return layer


def set_options(
    layer: keras.Layer, options: MaskOptions, parametrization: str, keep: float | None = None
) -> None:
    """Masks the variables that `options` choose once the layer is built."""
    give_class(layer)
    object.__setattr__(layer, OPTIONS, (options, parametrization, keep))
    attach_pending(layer)


def is_swapped(layer: object) -> bool:
    """Returns True for an object with a swapped class."""
    return isinstance(layer, MaskedLayer)


def give_class(layer: keras.Layer) -> None:
    """Swaps the class of a layer or model, unless that is done already."""
    if not is_swapped(layer):
        cls: Any = type(layer)
        mixin = MaskedModel if issubclass(cls, keras.Model) else MaskedLayer
        internals.set_class(layer, swapped_class(cls, mixin, mixin.forwarded()))


def _swap_classes(layer: keras.Layer) -> None:
    """Swaps the classes of a layer or model and of its sublayers with masks.

    A sublayer that is saved or cloned alone then keeps its masks too.
    """
    give_class(layer)
    for sublayer in internals.flatten_layers(layer):
        if masked_variables(sublayer) and not is_wrapper(sublayer):
            give_class(sublayer)
