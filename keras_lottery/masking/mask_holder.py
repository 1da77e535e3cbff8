"""The masks of a layer: a small sublayer, which saves them as packed bits."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.masked_variable import MaskedVariable
from keras_lottery.masking.parametrizations import Extra, Parametrization

__all__ = [
    "WRAPPER_NAME",
    "MaskHolder",
    "holder_of",
    "is_wrapper",
    "mark_wrapper",
    "mark_zeroed",
    "masked_variables",
    "zero_if_written",
    "zero_stored",
    "zero_written",
]

WRAPPER_NAME = "keras_lottery>Masked"
"""Registered name of the `Masked` wrapper in configs."""

_HOLDER = internals.hidden_name("masks")
_WRAPPER = internals.hidden_name("is_wrapper")


def holder_of(layer: keras.Layer) -> "MaskHolder | None":
    """Returns the mask holder of a layer, or None."""
    return getattr(layer, _HOLDER, None)


def masked_variables(layer: keras.Layer) -> list[MaskedVariable]:
    """Returns the masked variables in a layer or model, in the order of its layers."""
    holders = (holder_of(sublayer) for sublayer in internals.flatten_layers(layer))
    return [record for holder in holders if holder is not None for record in holder]


def zero_stored(layer: keras.Layer) -> None:
    """Sets stored weights to exactly 0 where pruned."""
    for record in masked_variables(layer):
        record.zero_pruned()


def zero_written(layer: keras.Layer) -> None:
    """Zeroes the stored weights to which something was written, by a callback for example."""
    zero_if_written(masked_variables(layer))


def zero_if_written(records: Iterable[MaskedVariable]) -> None:
    """Zeroes those of some stored weights to which something was written."""
    for record in records:
        if record.is_written():
            record.zero_pruned()


def mark_zeroed(layer: keras.Layer) -> None:
    """Notes that steps have ended, which leave stored weights at 0 where pruned."""
    for record in masked_variables(layer):
        record.mark_zeroed()


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
