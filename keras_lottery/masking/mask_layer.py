"""The masks of a layer: a small sublayer, which saves them as packed bits."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from weakref import ref

import keras
import numpy as np
from keras import ops

from keras_lottery import backend
from keras_lottery.backend.tracing import is_tracer, reaches
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import step
from keras_lottery.masking.parametrizations import Extra, Parametrization

__all__ = [
    "WRAPPER_NAME",
    "MaskHolder",
    "MaskedVariable",
    "PrunedStayZero",
    "holder_of",
    "is_wrapper",
    "mark_wrapper",
    "masked",
    "on_apply",
    "records",
    "zero_stored",
]

WRAPPER_NAME = "keras_lottery>Masked"
"""Registered name of the `Masked` wrapper in configs."""

_RECORD = internals.hidden_name("record")
_HOLDER = internals.hidden_name("masks")
_WRAPPER = internals.hidden_name("is_wrapper")


class MaskedVariable:
    """A variable with its mask and parametrization.

    Args:
        name: attribute path of the variable in its layer, e.g. `kernel` or `cell/kernel`.
        variable: the stored weight; zero where pruned.
        mask: boolean variable of the same shape; True = kept.
        extras: further variables of the parametrization by name.
        parametrization: computes the effective weight from these.
        seed: seed generator of a parametrization that samples.
    """

    def __init__(
        self,
        name: str,
        variable: keras.Variable,
        mask: keras.Variable,
        extras: dict[str, keras.Variable],
        parametrization: Parametrization,
        seed: keras.random.SeedGenerator | None = None,
    ) -> None:
        self.name = name
        self.variable = variable
        self.mask = mask
        self.extras = extras
        self.parametrization = parametrization
        self._seed = seed
        self._last_read: ref[Any] | None = None
        setattr(variable, _RECORD, self)
        inner = variable.constraint
        inner = inner.inner if isinstance(inner, PrunedStayZero) else inner
        variable.constraint = inner if parametrization.learned else PrunedStayZero(self, inner)

    def effective(self, stored: Any, in_step: bool = False) -> Any:
        """Returns the effective weight for a stored one.

        Args:
            stored: value of the stored weight.
            in_step: True in a compiled training step, where `stored` is 0 if pruned.
        """
        kept = self.mask.value
        if backend.name() == "jax":
            self._last_read = ref(kept)  # weak, since a tracer must not outlive its trace
        if in_step:
            return self.parametrization.effective_in_step(stored, kept, self._values())
        return self.parametrization.effective(stored, kept, self._values())

    def mask_for(self, value: Any) -> Any:
        """Returns the mask for use in the step that computes `value`, or None.

        In a step compiled by JAX, an optimizer receives its own and the trained variables, but no
        masks. Reading the mask variable there would compile its present value in, silently stale
        after the mask changes. So this returns the value from the `step_scope`, or the one that
        the network has read in the same trace. Neither exists if the network ran inside a nested
        `jax.jit`.
        """
        scoped = step.mask_value(self.mask)
        if scoped is not None:
            return scoped
        read = self._last_read() if self._last_read is not None else None
        if is_tracer(value):
            # A concrete mask would be compiled in.
            return read if is_tracer(read) and reaches(read, value) else None
        return read if self.mask.value is None else self.mask.value  # None during JAX's `fit`

    def folded(self) -> Any:
        """Returns the weight of the stripped model."""
        return self.parametrization.folded(self.variable.value, self.mask.value, self._values())

    def kept(self) -> Any:
        """Returns the mask of the stripped model: the learned one, or the assigned one."""
        return self.parametrization.mask(self.mask.value, self._values())

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = {name: v.value for name, v in self.extras.items()}
        return values | {"seed": self._seed} if self.parametrization.draws else values

    def draw_extras(self, rng: np.random.Generator) -> None:
        """Initializes the extra variables, such as scores."""
        for extra in self.parametrization.extras:
            variable = self.extras[extra.name]
            variable.assign(extra.draw(tuple(variable.shape), rng))

    def zero_pruned(self) -> None:
        """Sets the stored weight to exactly 0 where pruned, unless its mask is learned."""
        if not self.parametrization.learned:
            self.reset_pruned(self.variable, 0.0)

    def reset_pruned(self, variable: keras.Variable, start: float) -> None:
        """Sets the weight, or an optimizer slot of it, to `start` where pruned."""
        value = variable.value
        variable.assign(ops.where(self.mask.value, value, ops.cast(start, value.dtype)))


on_apply: list[Callable[[keras.optimizers.Optimizer], None]] = []
"""Hooks called with an optimizer that has just updated a masked variable."""


class PrunedStayZero(keras.constraints.Constraint):
    """Sets the stored weight to exactly 0 where pruned, at the end of every optimizer step.

    It is the constraint of a masked variable, not of its layer, so it isn't in any config.

    Args:
        record: the masked variable.
        inner: the variable's previous constraint, applied to the zeroed weight.
    """

    def __init__(self, record: MaskedVariable, inner: Callable[[Any], Any] | None) -> None:
        self.record = record
        self.inner = inner

    def __call__(self, w: Any) -> Any:
        """Returns the weight, 0 where pruned."""
        optimizer = internals.applying_optimizer()
        for function in on_apply if optimizer is not None else ():
            function(optimizer)
        value = ops.convert_to_tensor(w)
        kept = self.record.mask_for(value)
        if kept is None:
            return value if self.inner is None else self.inner(value)
        zero = ops.zeros((), value.dtype)
        value = ops.where(kept, value, zero)
        return value if self.inner is None else ops.where(kept, self.inner(value), zero)


def masked(variable: object) -> MaskedVariable | None:
    """Returns the record of a masked variable, else None."""
    return getattr(variable, _RECORD, None)


def holder_of(layer: keras.Layer) -> "MaskHolder | None":
    """Returns the mask holder of a layer, or None."""
    return getattr(layer, _HOLDER, None)


def records(layer: keras.Layer) -> list[MaskedVariable]:
    """Returns the masked variables in a layer or model, in the order of its layers."""
    holders = (holder_of(sublayer) for sublayer in internals.flatten_layers(layer))
    return [record for holder in holders if holder is not None for record in holder]


def zero_stored(layer: keras.Layer) -> None:
    """Sets stored weights to exactly 0 where pruned."""
    for record in records(layer):
        record.zero_pruned()


def mark_wrapper(cls: type) -> type:
    """Makes a wrapper class invisible in structural paths."""
    setattr(cls, _WRAPPER, True)
    return cls


def is_wrapper(thing: object) -> bool:
    """Returns True for a wrapper that structural paths look through."""
    return getattr(type(thing), _WRAPPER, False)


@keras.saving.register_keras_serializable("keras_lottery", "MaskHolder")
class MaskHolder(keras.layers.Layer):
    """Holds the masks and extras of a layer's variables.

    Dense checkpoints have no entry for it, so they load into masked models. Weight files of
    subclassed models contain the name of this class: don't rename it.
    """

    records: dict[str, MaskedVariable]
    seed_generator: keras.random.SeedGenerator | None = None

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True
        # Bypasses Keras' tracking: the variables of the records are tracked already.
        object.__setattr__(self, "records", {})

    @classmethod
    def within(cls, layer: keras.Layer) -> "MaskHolder":
        """Returns the mask holder of a built layer, created if needed."""
        holder = holder_of(layer)
        if holder is None:
            holder = cls(name=f"{layer.name}_masks", dtype=layer.dtype_policy)
            with internals.unlocked(layer):
                setattr(layer, _HOLDER, holder)
        return holder

    def add(
        self, name: str, variable: keras.Variable, parametrization: Parametrization
    ) -> MaskedVariable:
        """Adds an all-ones mask to a variable, or changes the parametrization of its mask."""
        old = self.records.get(name)
        extras = dict(old.extras) if old else {}
        shape = tuple(variable.shape)
        mask = old.mask if old else self._add(f"{name}/mask", shape, "bool", "ones", False)
        for extra in parametrization.extras:
            if extra.name not in extras:
                extras[extra.name] = self._add_extra(f"{name}/{extra.name}", extra, variable)
        seed = self._seed() if parametrization.draws else None
        added = MaskedVariable(name, variable, mask, extras, parametrization, seed)
        self.records[name] = added
        return added

    def _add_extra(self, name: str, extra: Extra, variable: keras.Variable) -> keras.Variable:
        # Seeded from Python's `random`, like Keras' own unseeded initializers.
        rng = np.random.default_rng(random.getrandbits(63))

        def draw(shape: tuple[int, ...], dtype: Any = None) -> Any:
            return ops.convert_to_tensor(extra.draw(tuple(shape), rng), dtype)

        dtype = "int32" if extra.scalar else "float32" if extra.trainable else variable.dtype
        shape = () if extra.scalar else tuple(variable.shape)
        return self._add(name, shape, dtype, draw, extra.trainable)

    def _add(
        self, name: str, shape: tuple[int, ...], dtype: str, initializer: Any, trainable: bool
    ) -> keras.Variable:
        with internals.unlocked(self), internals.full_precision():
            return self.add_weight(
                shape=shape,
                initializer=initializer,
                dtype=dtype,
                trainable=trainable,
                autocast=False,
                name=name.replace("/", "_"),
            )

    def _seed(self) -> keras.random.SeedGenerator:
        """Returns the seed generator of this layer, created if needed."""
        if self.seed_generator is None:
            with internals.unlocked(self):
                self.seed_generator = keras.random.SeedGenerator()
        return self.seed_generator

    def __iter__(self) -> Iterator[MaskedVariable]:
        return iter(self.records.values())

    def variable_names(self) -> list[tuple[str, str]]:
        """Returns (name in the layer, parametrization) of every masked variable."""
        return [(record.name, record.parametrization.name) for record in self]

    def save_own_variables(self, store: Any) -> None:
        """Writes masks as `numpy.packbits` in little bit order, and extras unchanged."""
        for record in self:
            key = record.name.replace("/", ".")
            kept = ops.convert_to_numpy(record.mask.value)
            store[key] = np.packbits(kept, axis=None, bitorder="little")
            for name, variable in record.extras.items():
                store[f"{key}:{name}"] = ops.convert_to_numpy(variable.value)

    def load_own_variables(self, store: Any) -> None:
        """Reads masks and extras; a dense checkpoint has none and leaves the masks unchanged.

        Pruned weights are zeroed either way.
        """
        keys = set(store.keys())
        for record in self:
            key = record.name.replace("/", ".")
            if keys:
                self._load(record, key, keys, store)
            record.zero_pruned()

    def _load(
        self, record: MaskedVariable, key: str, keys: set[str], store: Mapping[str, Any]
    ) -> None:
        if key not in keys:
            raise LotteryError(
                f"Expected a mask of {record.name!r} in the file. Received: masks of "
                f"{_sorted(keys)}. Mask the same variables before loading."
            )
        bits, size = np.asarray(store[key]), int(np.prod(record.mask.shape, dtype=np.int64))
        if bits.size != (size + 7) // 8:
            raise LotteryError(
                f"Expected a mask of {size} weights for {record.name!r}. Received: one of "
                f"{bits.size} bytes. Load it into a model of the same shape."
            )
        kept = np.unpackbits(bits, count=size, bitorder="little").astype(bool)
        record.mask.assign(kept.reshape(record.mask.shape))
        for name, variable in record.extras.items():
            if f"{key}:{name}" in keys:
                variable.assign(np.asarray(store[f"{key}:{name}"]))


def _sorted(keys: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(keys)) or "nothing"
