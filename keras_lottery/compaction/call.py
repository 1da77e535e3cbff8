"""Calls of layers and operations, which compaction rules take, and the table of rules."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery.compaction.graph import Axes, Graph, Kernel, LayerWeight, Plan, Size, Value
from keras_lottery.compaction.units import Ids
from keras_lottery.errors import LotteryError

__all__ = ["Call", "Rule", "register_compaction_rule", "rule_changes", "rule_of"]

Array = NDArray[Any]


class Call:
    """One call of a layer or operation.

    A rule reads `inputs` and `arguments`, declares weights (`units`, `weight`, `kernel`), and
    sets `axes` and `constant` of the `outputs`. Axes that it doesn't set keep their size.

    Args:
        graph: the graph of the call.
        operation: the layer or operation.
        path: its name in reports.
        arguments: name of the argument -> its value, with a `Value` for every tensor.
        outputs: one for each output tensor, in the order of `keras.tree.flatten`.
        inside: `(layer, part, times) -> output`: traces a layer that a wrapper applies to each of
            `times` parts of its input.
    """

    def __init__(
        self,
        graph: Graph,
        operation: Any,
        path: str,
        arguments: dict[str, Any],
        outputs: list[Value],
        inside: Callable[[keras.Layer, Value, int], Value],
    ) -> None:
        self.graph = graph
        self.operation = operation
        self.path = path
        self.arguments = arguments
        self.outputs = outputs
        self.without_rule = False
        self.inside = inside
        leaves = keras.tree.flatten(list(arguments.values()))
        self.inputs = [leaf for leaf in leaves if isinstance(leaf, Value)]

    @property
    def layer(self) -> Any:
        """The layer or operation."""
        return self.operation

    @property
    def input(self) -> Value:
        """The first tensor."""
        return self.inputs[0]

    @property
    def output(self) -> Value:
        """The first output."""
        return self.outputs[0]

    @property
    def plan(self) -> Plan:
        """The plan for rebuilding the layer, shared by all its calls."""
        plans = self.graph.plans
        if id(self.operation) not in plans:
            inputs = {k: v for k, v in self.arguments.items() if isinstance(v, Value)}
            plans[id(self.operation)] = Plan(self.path, self.operation, inputs=inputs)
        return plans[id(self.operation)]

    def units(self, name: str, count: int) -> Ids:
        """Returns units of the layer by name, the same in every call of the layer."""
        plan = self.plan
        if name not in plan.units:
            plan.units[name] = self.graph.units.new(count)
        return plan.units[name]

    def couple(self, *axes: Ids | None) -> Ids | None:
        """Couples axes of equal size index by index and returns the units of the result.

        An axis without units keeps its size, and so do all axes coupled with it.
        """
        first = next((ids for ids in axes if ids is not None), None)
        if first is None:
            return None
        for ids in axes:
            if ids is not None and ids is not first:
                self.graph.units.couple(first, ids)
        if any(ids is None for ids in axes):
            reason = f"{self.path} combines it with a tensor of fixed size"
            self.graph.pin((first,), reason, read=False)
        return first

    def pin(self, reason: str = "", *values: Value) -> None:
        """Pins all units of some values (of all inputs by default).

        Without a reason, the call counts as one without a rule, and all its inputs are pinned.
        """
        if not reason:
            self.without_rule = True
            return
        for value in values or self.inputs:
            self.graph.pin(value.axes, reason)

    def resize(self, changes: Callable[[Size], dict[str, Any]]) -> None:
        """Sets how the layer's config changes with sizes.

        Args:
            changes: called with `size(units, old size)`; returns entries of the config.
        """
        self.plan.resize = changes

    def weight(self, attribute: str, axes: Axes, makes: tuple[int, ...] = ()) -> Array | None:
        """Declares a weight of the layer.

        Args:
            attribute: its attribute; dots lead into sublayers, e.g. `cell.kernel`.
            axes: units along each axis.
            makes: axes along which zeros switch units off.

        Returns:
            Its value; None if the layer has no such weight.

        Raises:
            LotteryError: an axis has more or fewer units than the weight has indices.
        """
        variable = self.operation
        for part in attribute.split("."):
            variable = getattr(variable, part, None)
        if variable is None:
            return None
        for axis, (ids, size) in enumerate(zip(axes, variable.shape)):
            if ids is not None and len(ids) != size:
                raise LotteryError(
                    "Expected a unit for each index of an axis. Received: "
                    f"{len(ids)} units for axis {axis} of {self.path}/{attribute}, which has "
                    f"{size} indices. Correct the layer's compaction rule, or that of its input."
                )
        slots = self.plan.slots
        slot = slots.setdefault(attribute, LayerWeight(attribute, variable, axes, makes))
        self._share(slot.axes, axes)
        # A call of a shared layer can be the first that brings units for an axis.
        slot.axes = tuple(b if a is None else a for a, b in zip(slot.axes, axes))
        shared = self.graph.tables.setdefault(id(variable), slot)
        self._share(shared.axes, slot.axes)
        return np.asarray(keras.ops.convert_to_numpy(variable.value), dtype=np.float32)

    def _share(self, first: Axes, second: Axes) -> None:
        for a, b in zip(first, second):
            if a is not b and not (a is None and b is None):
                self.couple(a, b)

    def kernel(
        self,
        attribute: str,
        axes: Axes,
        reads: Mapping[int, Array],
        makes: tuple[int, ...],
        bias: str | None = None,
        bias_axes: tuple[int, ...] | None = None,
        bias_index: Any = ...,
        uses: int = 1,
    ) -> Array:
        """Declares a weight that computes units from units.

        Args:
            attribute: see `weight`.
            axes: units along each axis.
            reads: axis -> constants of the input along it, NaN where they vary.
            makes: axes that it computes.
            bias: attribute that can absorb the contribution of constant inputs.
            bias_axes: order of `makes` in the bias.
            bias_index: index into the bias.
            uses: multiplications with each weight in one example's forward pass.

        Returns:
            The contribution of constant inputs, with the axes `makes`; NaN where the sum varies.
        """
        weight = self.weight(attribute, axes, makes)
        if weight is None:
            raise LotteryError(
                f"Expected a weight named {attribute!r}. Received: {self.path}, which has none. "
                "Use an attribute of the layer in its compaction rule."
            )
        constant = np.zeros([1] * weight.ndim)
        for axis, along in reads.items():
            constant = constant + along.reshape(
                [-1 if a == axis else 1 for a in range(weight.ndim)]
            )
        return self.products(
            attribute, weight, constant, reads, makes, bias, bias_axes, bias_index, uses
        )

    def products(
        self,
        attribute: str,
        weight: Array,
        constant: Array,
        reads: Mapping[int, Any],
        makes: tuple[int, ...],
        bias: str | None = None,
        bias_axes: tuple[int, ...] | None = None,
        bias_index: Any = ...,
        uses: int = 1,
    ) -> Array:
        """Like `kernel`, with constants of any shape instead of one vector per axis.

        Args:
            weight: value of the weight.
            constant: constants that broadcast against the weight.
        """
        total, constant = _sum(weight, constant, makes, foldable=bias is not None)
        slot = self.plan.slots[attribute]
        known = next((k for k in self.graph.kernels if k.slot is slot), None)
        if known is not None:  # a shared layer: constants must be equal in every call
            known.constant = np.where(known.constant == constant, constant, np.nan)
            known.uses += uses
            return total
        self.graph.kernels.append(
            Kernel(
                self.plan,
                slot,
                weight,
                tuple(reads),
                makes,
                constant,
                bias,
                makes if bias_axes is None else bias_axes,
                bias_index,
                uses,
            )
        )
        return total


def _sum(
    weight: Array, constant: Array, makes: tuple[int, ...], foldable: bool
) -> tuple[Array, Array]:
    if not foldable:
        constant = np.where(constant == 0, constant, np.nan)
    varies = np.isnan(constant)
    over = tuple(axis for axis in range(weight.ndim) if axis not in makes)
    live = ((weight != 0) & varies).any(axis=over)
    if (constant[~varies] == 0).all():
        return np.where(live, np.nan, 0.0), constant
    total = (weight * np.where(varies, 0.0, constant)).sum(axis=over)
    return np.where(live, np.nan, total), constant


Rule = Callable[[Call], None]

_RULES: dict[type | str, Rule] = {}
_changes: list[int] = []
_NAMED = ("keras", "keras_hub")


def register_compaction_rule(layer_class: type | str, rule: Rule) -> None:
    """Registers the compaction rule of a class of layers or operations.

    Subclasses inherit the rule unless they override `call`.

    Args:
        layer_class: the class; for classes of Keras and KerasHub also its name, which then covers
            the operation of that name, too.
        rule: called with each `Call` of such a layer.

    Raises:
        LotteryError: the argument is neither a class nor a name, or the rule isn't callable.

    Example:
        >>> def scale(call):
        ...     (channels,) = call.input.axes[-1:]
        ...     call.weight("scale", (channels,), makes=(0,))
        ...     call.output.axes = call.input.axes
        >>> register_compaction_rule(Scale, scale)
    """
    if not isinstance(layer_class, type | str) or not callable(rule):
        raise LotteryError(
            "Expected a class of layers and a function. Received: "
            f"{layer_class!r} and {rule!r}. Pass the class itself, e.g. MyLayer."
        )
    _RULES[layer_class] = rule
    _changes.append(1)


def rule_changes() -> int:
    """Returns how many rules have been registered: a new one may change what was read before."""
    return len(_changes)


def rule_of(operation: object) -> Rule | None:
    """Returns the rule of a layer or operation, or None."""
    cls = type(operation)
    for ancestor in cls.__mro__:
        rule = _RULES.get(ancestor)
        if rule is None and ancestor.__module__.partition(".")[0] in _NAMED:
            rule = _RULES.get(ancestor.__name__)
        if rule is not None:
            same = getattr(ancestor, "call", None) is getattr(cls, "call", None)
            return rule if same else None
    return None
