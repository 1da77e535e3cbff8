"""Sensitivity to pruning: the loss with one layer pruned at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_lottery import checks, pruning
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, state
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.copying import copy_model
from keras_lottery.masking.options import MaskOptions, Patterns, options_from
from keras_lottery.pruning.counts import count
from keras_lottery.toolkit.mask_model import mask_selected
from keras_lottery.toolkit.prune_model import counts_selected, prune_selected
from keras_lottery.toolkit.selection import describe_selected
from keras_lottery.toolkit.target import Target
from keras_lottery.training import is_arrays, is_one_shot, length
from keras_lottery.training.checks import check_labels
from keras_lottery.training.loop import single_values
from keras_lottery.types import VariableInfo

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["Sensitivity", "SensitivityRow", "sensitivity"]


@dataclass(frozen=True)
class SensitivityRow:
    """One layer, or layers with coupled channels, at one sparsity.

    Args:
        layer: path of the layer, with its user-given name if it has one; several paths are joined
            by ` + `.
        sparsity: fraction removed of its prunable weights, or groups of weights.
        size: number of its prunable weights.
        values: loss and metrics by name.
    """

    layer: str
    sparsity: float
    size: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Sensitivity:
    """Loss per layer and sparsity; printing it prints the table.

    Args:
        rows: one per layer and sparsity, in the order of the model.
        unpruned: loss and metrics of the original model by name.
    """

    rows: tuple[SensitivityRow, ...]
    unpruned: Mapping[str, float]

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers, in the order of the model."""
        return tuple(dict.fromkeys(row.layer for row in self.rows))

    @property
    def sparsities(self) -> tuple[float, ...]:
        """The sparsities, in the order of the argument."""
        return tuple(dict.fromkeys(row.sparsity for row in self.rows))

    def values(self, metric: str = "loss") -> np.ndarray:
        """Returns an array of shape `(layers, sparsities)`.

        Raises:
            LotteryError: the metric wasn't measured.
        """
        if metric not in self.unpruned:
            raise LotteryError(
                f"Expected a metric that was measured: {', '.join(self.unpruned)}. "
                f"Received: {metric!r}. Choose one, or compile the model with it."
            )
        numbers = [row.values[metric] for row in self.rows]
        return np.array(numbers).reshape(len(self.layers), len(self.sparsities))

    def to_pandas(self) -> "pd.DataFrame":
        """Returns a data frame with a row per layer and sparsity."""
        import pandas as pd

        return pd.DataFrame(
            {"layer": row.layer, "sparsity": row.sparsity, "size": row.size, **row.values}
            for row in self.rows
        )

    def plot(self, metric: str = "loss") -> "Figure":
        """Returns a heat map of the change against the original model.

        Raises:
            LotteryError: the metric wasn't measured.
        """
        from keras_lottery.toolkit.sensitivity_plot import draw

        unpruned = self.unpruned.get(metric, np.nan)
        title = f"Change in {metric} with one layer pruned\n(unpruned: {unpruned:.4g})"
        return draw(self.values(metric) - unpruned, self.layers, self.sparsities, title)

    def __str__(self) -> str:
        header = ["loss with one layer pruned", "weights", *(f"{s:.0%}" for s in self.sparsities)]
        sizes = {row.layer: row.size for row in self.rows}
        lines = [
            [layer, f"{sizes[layer]:,}", *(f"{value:.4g}" for value in values)]
            for layer, values in zip(self.layers, self.values())
        ]
        widths = [max(map(len, column)) for column in zip(header, *lines)]
        text = [
            "  ".join(
                [line[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(line[1:], widths[1:]))]
            )
            for line in [header, *lines]
        ]
        return "\n".join([*text, f"unpruned: {self.unpruned['loss']:.4g}"])

    __repr__ = __str__


def sensitivity(
    model: keras.Model,
    data: Any,
    sparsities: Sequence[float] = (0.5, 0.8, 0.9),
    *,
    criterion: str = "magnitude",
    pattern: str = "weights",
    include: Patterns = (),
    exclude: Patterns = (),
    biases: bool = False,
    norms: bool = False,
    embeddings: bool = True,
    output: bool = True,
    batch_size: int | None = None,
    seed: int = 0,
) -> Sensitivity:
    """Returns the loss of a model with one layer pruned at a time.

    Layers whose pruning hardly changes the loss can be pruned further than others: `kl.prune`
    takes a sparsity per layer. The model is unchanged; a masked copy is evaluated once per layer
    and sparsity, without retracing.

    Args:
        model: built, compiled and usually trained. Existing masks stay.
        data: (x, y) or (x, y, sample_weight), or a data set for `keras.Model.evaluate` that can be
            read repeatedly.
        sparsities: fractions to remove of each layer's prunable weights, or groups of weights, in
            (0, 1).
        criterion: name of a registered criterion. If it needs derivatives, `data` must be (x, y).
        pattern: which weights are pruned together; see `kl.prune`. Under `channels`, layers with
            coupled channels share a row.
        include: path patterns; only matching variables are pruned. See `kl.mask`, also for the next
            options.
        exclude: path patterns of variables that are not pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        batch_size: batch size of `evaluate`; None: Keras' default.
        seed: seed of random criteria.

    Raises:
        LotteryError: the model is not built or not compiled, or cannot be copied; a sparsity is
            out of range or cannot be reached; a pattern matches nothing; the data can be read only
            once; arrays differ in length; a label is out of range.

    Example:
        >>> table = kl.sensitivity(model, (x, y), sparsities=(0.5, 0.9))
        >>> print(table)
        >>> table.plot().savefig("sensitivity.png")
    """
    arguments.maskable_model(model)
    if getattr(model, "loss", None) is None:
        raise LotteryError(
            "Expected a compiled model with a loss to measure. Received: a model without one. "
            "Call model.compile first."
        )
    checked = _sparsities(sparsities)
    options = options_from(include, exclude, biases, norms, embeddings, output, pattern=pattern)
    pruning.check_choices(pattern, criterion, "global")
    internals.sync_trainer(model)
    evaluation = _Evaluation(model, data, batch_size)
    pruned = copy_model(model)
    mask_selected(pruned, options)
    return _measure(pruned, options, checked, evaluation, criterion, seed)


def _measure(
    model: keras.Model,
    options: MaskOptions,
    sparsities: Sequence[float],
    evaluation: "_Evaluation",
    criterion: str,
    seed: int,
) -> Sensitivity:
    """Prunes each layer of the copy, evaluates it, and restores it."""
    layers = _layers(describe_selected(model, options))
    selected = {
        layer: replace(options, paths=frozenset(info.path for info in infos))
        for layer, infos in layers.items()
    }
    for within in selected.values():
        _check_reachable(model, within, max(sparsities))
    unpruned = evaluation(model)
    masks, fills, weights = state.get_masks(model), state.get_fills(model), state.get_weights(model)
    rows = []
    for layer, within in selected.items():
        for sparsity in sparsities:
            counts = counts_selected(model, within)
            if counts.pruned < count(sparsity, counts.size):
                prune_selected(
                    model,
                    Target(sparsity),
                    within,
                    criterion=criterion,
                    data=evaluation.pair,
                    seed=seed,
                )
                values = evaluation(model)
                state.set_masks(model, masks, fills)
                state.set_weights(model, weights)
            else:  # its own masks already prune this much
                values = unpruned
            layer_size = sum(info.size for info in layers[layer])
            rows.append(SensitivityRow(layer, sparsity, layer_size, values))
    return Sensitivity(tuple(rows), unpruned)


def _check_reachable(model: keras.Model, options: MaskOptions, sparsity: float) -> None:
    """Raises LotteryError if a layer can't be pruned that much, before anything is evaluated."""
    counts = counts_selected(model, options)
    if counts.pruned < count(sparsity, counts.size):
        prune_selected(model, Target(sparsity), options, criterion="random", dry_run=True)


class _Evaluation:
    """Measures a model on the user's data."""

    def __init__(self, model: keras.Model, data: Any, batch_size: int | None) -> None:
        if data is None or is_one_shot(data):
            raise LotteryError(
                "Expected data, (x, y) or a data set that can be read repeatedly. Received: "
                f"{type(data).__name__}. Pass arrays, a PyDataset or tf.data."
            )
        if hasattr(data, "shape"):
            raise LotteryError(
                "Expected data, (x, y) or a data set. Received: one array. Pass the labels, too."
            )
        are_arrays = isinstance(data, tuple | list) and len(data) in (2, 3)
        self.pair = tuple(data)[:2] if are_arrays else None
        names = ("x", "y", "sample_weight")
        self._arguments = dict(zip(names, data)) if are_arrays else {"x": data}
        if are_arrays and all(is_arrays(part) for part in data if part is not None):
            length(tuple(data))
            check_labels(model, *data)
        if batch_size is not None:
            self._arguments["batch_size"] = checks.whole_number(batch_size, "batch_size", least=1)

    def __call__(self, model: keras.Model) -> dict[str, float]:
        return single_values(model.evaluate(**self._arguments, verbose=0, return_dict=True))


def _layers(infos: Sequence[VariableInfo]) -> dict[str, list[VariableInfo]]:
    """Returns the prunable variables by layer; layers with coupled channels are joined."""
    layers: dict[str, list[VariableInfo]] = {}
    for info in infos:
        if info.prunable and (not info.channels or _output_channels(info)):
            layers.setdefault(info.path.rpartition("/")[0] or info.path, []).append(info)
    joined: list[tuple[set[int], list[str]]] = []
    for layer, members in layers.items():
        channels = set[int]().union(*map(_output_channels, members))
        together = [group for group in joined if group[0] & channels]
        joined = [group for group in joined if not group[0] & channels]
        names = [name for _, group in together for name in group]
        joined.append((channels.union(*(group for group, _ in together)), [*names, layer]))
    order = list(layers)
    joined.sort(key=lambda group: order.index(group[1][0]))
    return {
        _label(names, layers): [info for name in names for info in layers[name]]
        for _, names in joined
    }


def _label(names: Sequence[str], layers: Mapping[str, Sequence[VariableInfo]]) -> str:
    """Returns the names of the layers with a kernel; normalizations are left out.

    A layer has the name that the user gave it, if no other one has it too.
    """
    own = {layer: (infos[0].names or (layer,))[-1] for layer, infos in layers.items()}
    counts = Counter(own.values())
    with_kernel = [n for n in names if any(info.kind not in ("bias", "norm") for info in layers[n])]
    return " + ".join(own[n] if counts[own[n]] == 1 else n for n in with_kernel or names)


def _output_channels(info: VariableInfo) -> set[int]:
    """Returns the output channels of a variable that can be pruned."""
    axes = [info.channels[axis] for axis in info.makes] if info.channels else []
    numbers = [np.unique(axis) for axis in axes if axis is not None]
    return {int(number) for axis in numbers for number in axis if number >= 0}


def _sparsities(values: Sequence[float]) -> tuple[float, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence | np.ndarray) or not len(values):
        raise LotteryError(
            f"Expected sparsities such as (0.5, 0.9). Received: {values!r}. Pass at least one."
        )
    checked = tuple(checks.fraction(sparsity, "a sparsity") for sparsity in values)
    if not all(0 < sparsity < 1 for sparsity in checked) or len(set(checked)) < len(checked):
        raise LotteryError(
            f"Expected different sparsities between 0 and 1. Received: {values!r}. Leave out "
            "duplicates, 1, and 0, which is measured anyway."
        )
    return checked
