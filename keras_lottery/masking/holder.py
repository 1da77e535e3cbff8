"""The masks of one layer: a small layer inside it, which writes them as packed bits."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.parametrizations import Parametrization

__all__ = ["MaskHolder", "MaskedVariable", "holder_of", "is_wrapper", "mark_wrapper", "masked"]

_RECORD = internals.hidden_name("record")
_HOLDER = internals.hidden_name("masks")
_WRAPPER = internals.hidden_name("is_wrapper")


class MaskedVariable:
    """A variable with its mask and how the two make the weight that is used.

    Args:
        name: attribute path of the variable in its layer, e.g. `kernel` or `cell/kernel`.
        variable: the stored weight; zero where pruned.
        mask: boolean variable of the same shape; True = kept.
        extras: further variables of the parametrization by name.
        parametrization: makes the used weight of these.
    """

    def __init__(
        self,
        name: str,
        variable: keras.Variable,
        mask: keras.Variable,
        extras: dict[str, keras.Variable],
        parametrization: Parametrization,
    ) -> None:
        self.name = name
        self.variable = variable
        self.mask = mask
        self.extras = extras
        self.parametrization = parametrization
        setattr(variable, _RECORD, self)

    def effective(self, stored: Any, in_step: bool = False) -> Any:
        """Returns the weight that the network uses where the stored one is `stored`.

        Args:
            in_step: True in a compiled training step, where `stored` is 0 where pruned.
        """
        extras = {name: v.value for name, v in self.extras.items()}
        if in_step:
            return self.parametrization.effective_in_step(stored, self.mask.value, extras)
        return self.parametrization.effective(stored, self.mask.value, extras)

    def zero_pruned(self) -> None:
        """Sets the stored weight to exactly 0 where pruned."""
        self.reset_pruned(self.variable, 0.0)

    def reset_pruned(self, variable: keras.Variable, start: float) -> None:
        """Sets the weight, or one of its slots, to `start` where pruned."""
        value = variable.value
        variable.assign(ops.where(self.mask.value, value, ops.cast(start, value.dtype)))


def masked(variable: object) -> MaskedVariable | None:
    """Returns the record of a masked variable, else None."""
    return getattr(variable, _RECORD, None)


def holder_of(layer: keras.Layer) -> "MaskHolder | None":
    """Returns what holds the masks of a layer, or None where it has none of its own."""
    return getattr(layer, _HOLDER, None)


def mark_wrapper(cls: type) -> type:
    """Makes a wrapper class invisible in structural paths."""
    setattr(cls, _WRAPPER, True)
    return cls


def is_wrapper(thing: object) -> bool:
    """Returns True for a wrapper that structural paths look through."""
    return getattr(type(thing), _WRAPPER, False)


@keras.saving.register_keras_serializable("keras_lottery", "MaskHolder")
class MaskHolder(keras.layers.Layer):
    """Holds the masks and the extras of one layer's variables.

    A dense checkpoint has nothing for it, and so loads into a masked model.
    """

    records: dict[str, MaskedVariable]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.built = True
        # Past Keras' tracking: the records are no layers, and their variables are tracked already.
        object.__setattr__(self, "records", {})

    @classmethod
    def within(cls, layer: keras.Layer) -> "MaskHolder":
        """Returns the holder of a built layer, made where there is none."""
        found = holder_of(layer)
        if found is None:
            found = cls(name=f"{layer.name}_masks", dtype=layer.dtype_policy)
            with internals.unlocked(layer):
                setattr(layer, _HOLDER, found)
        return found

    def add(self, name: str, variable: keras.Variable, parametrization: Parametrization) -> None:
        """Masks a variable with a full mask, or changes the parametrization that it has."""
        old = self.records.get(name)
        extras = dict(old.extras) if old else {}
        mask = old.mask if old else self._like(name, variable, "mask", "ones", "bool")
        for extra in parametrization.extras:
            if extra.name not in extras:
                extras[extra.name] = self._like(
                    name, variable, extra.name, extra.initializer, variable.dtype, extra.trainable
                )
        self.records[name] = MaskedVariable(name, variable, mask, extras, parametrization)

    def _like(
        self,
        name: str,
        variable: keras.Variable,
        what: str,
        initializer: str,
        dtype: str,
        trainable: bool = False,
    ) -> keras.Variable:
        with internals.unlocked(self), internals.full_precision():
            return self.add_weight(
                shape=tuple(variable.shape),
                initializer=initializer,
                dtype=dtype,
                trainable=trainable,
                autocast=False,
                name=f"{name.replace('/', '_')}_{what}",
            )

    def __iter__(self) -> Iterator[MaskedVariable]:
        return iter(self.records.values())

    def variable_names(self) -> list[tuple[str, str]]:
        """Returns (name in the layer, parametrization) of every masked variable."""
        return [(record.name, record.parametrization.name) for record in self]

    def save_own_variables(self, store: Any) -> None:
        """Writes masks as `numpy.packbits` in little bit order, and the extras as they are."""
        for record in self:
            key = record.name.replace("/", ".")
            kept = ops.convert_to_numpy(record.mask.value)
            store[key] = np.packbits(kept, axis=None, bitorder="little")
            for name, variable in record.extras.items():
                store[f"{key}:{name}"] = ops.convert_to_numpy(variable.value)

    def load_own_variables(self, store: Any) -> None:
        """Reads what was written; a dense checkpoint has nothing here and leaves the masks alone.

        Stored weights that are pruned become zero again either way.
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
