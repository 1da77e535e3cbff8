"""The stateless scope in which a network reads its masked weights."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_lottery import backend
from keras_lottery.backend.compile import is_tracer
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import step
from keras_lottery.masking.masked_variable import MaskedVariable, masked

__all__ = ["MaskScope"]


class MaskScope(keras.StatelessScope):
    """Reads masked variables as their effective weights, and passes everything else through.

    Other reads, updates and losses go to the enclosing scope, or to the variables if there is
    none. The effective weights of `records` are computed once, on entry, because layers read
    their weights inside loops. Any other masked variable, such as a weight tied to another layer,
    is computed at each read and never cached, since a tensor must not leave its inner graph.
    """

    def __init__(self, owner: keras.Layer, records: Iterable[MaskedVariable] = ()) -> None:
        super().__init__()
        self._owner = owner
        self._records = records
        self._own_losses: list[Any] = []
        self._values: dict[int, Any] = {}
        self._base: Any = None

    def __enter__(self) -> "MaskScope":
        outer = internals.stateless_scope()
        self._outer = outer if isinstance(outer, MaskScope) else None
        self._base = self._outer._base if self._outer else outer
        self.collect_losses = self._base.collect_losses if self._base is not None else True
        for record in self._records:
            variable = record.variable
            value = self._outer._computed(variable) if self._outer else None
            self._values[id(variable)] = self._effective(record) if value is None else value
        return super().__enter__()

    def __exit__(self, *args: Any) -> None:
        super().__exit__(*args)
        if self.original_scope is not None:
            return
        internals.flush_losses(self._owner, self._own_losses)
        self._apply_updates()

    def get_current_value(self, variable: keras.Variable) -> Any:
        computed = self._computed(variable)
        if computed is not None:
            return computed
        record = masked(variable)
        if record is not None:
            return self._effective(record)
        updated = self._updated(variable)
        if updated is not None or self._base is None:
            return updated
        return self._base.get_current_value(variable)

    def add_update(self, update: tuple[keras.Variable, Any]) -> None:
        variable, value = update
        scope: MaskScope | None = self
        while scope is not None:
            scope._values.pop(id(variable), None)
            root, scope = scope, scope._outer
        if self._base is not None:
            self._base.add_update(update)
        elif backend.name() == "jax":
            # Inside `lax.scan` the value is a tracer that must not reach the variable, so updates
            # are applied after the outermost call.
            root.state_mapping[id(variable)] = value
            root._pending[id(variable)] = variable
        else:
            with internals.use_scope(None):
                variable.assign(value)

    def add_loss(self, loss: Any) -> None:
        self.losses.append(loss)

    @property
    def losses(self) -> list[Any]:
        if self._base is not None:
            return self._base.losses
        return self._outer.losses if self._outer else self._own_losses

    @losses.setter
    def losses(self, value: list[Any]) -> None:
        self._own_losses = value

    # The base class' constructor sets `losses` before `__enter__` runs.
    _outer: "MaskScope | None" = None

    @property
    def _pending(self) -> dict[int, keras.Variable]:
        return self.__dict__.setdefault("_pending_updates", {})

    def _apply_updates(self) -> None:
        for key, variable in self._pending.items():
            value = self.state_mapping[key]
            if not is_tracer(value):
                variable.assign(value)

    def _computed(self, variable: keras.Variable) -> Any:
        """Returns the value that this scope or an enclosing one computed on entry."""
        value = self._values.get(id(variable))
        if value is None and self._outer is not None:
            return self._outer._computed(variable)
        return value

    def _updated(self, variable: keras.Variable) -> Any:
        """Returns the value that was assigned inside the outermost call."""
        value = self.state_mapping.get(id(variable))
        if value is None and self._outer is not None:
            return self._outer._updated(variable)
        return value

    def _effective(self, record: MaskedVariable) -> Any:
        with internals.use_scope(self._base), internals.full_precision():
            stored = self._updated(record.variable)
            stored = record.variable.value if stored is None else stored
            return record.effective(stored, in_step=step.active())
