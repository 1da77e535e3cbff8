"""The scope under which a network reads its masked weights."""

from collections.abc import Iterable
from typing import Any

import keras

from keras_lottery import backend
from keras_lottery.backend.tracing import is_tracer
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import step
from keras_lottery.masking.mask_layer import MaskedVariable, masked

__all__ = ["MaskScope"]


class MaskScope(keras.StatelessScope):
    """Gives masked variables the value that the network uses; all else falls through.

    Reads, updates and losses of anything else go to the enclosing scope, or to the variables
    themselves where there is none. Each of `records` is computed once, on entry: a layer reads its
    weights inside loops. Any other masked variable, such as a tied weight that this layer reads
    of another one, is computed at each read and never kept, since a tensor made inside an inner
    graph must not leave it.
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
            found = self._outer._computed(variable) if self._outer else None
            self._values[id(variable)] = self._effective(record) if found is None else found
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
            # wait for the end of the outermost call.
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

    # What the base class' constructor sets before `__enter__` does.
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
        """Returns the value that this scope or one around it computed on entry."""
        found = self._values.get(id(variable))
        if found is None and self._outer is not None:
            return self._outer._computed(variable)
        return found

    def _updated(self, variable: keras.Variable) -> Any:
        """Returns the value that was assigned inside the outermost call."""
        found = self.state_mapping.get(id(variable))
        if found is None and self._outer is not None:
            return self._outer._updated(variable)
        return found

    def _effective(self, record: MaskedVariable) -> Any:
        with internals.use_scope(self._base), internals.full_precision():
            stored = self._updated(record.variable)
            stored = record.variable.value if stored is None else stored
            return record.effective(stored, in_step=step.active())
