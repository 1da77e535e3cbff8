"""The shuffles of the controls, which preserve counts."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.patterns import Layout
from keras_lottery.types import MaskSet, VariableInfo, Weights


def permute_layer(masks: MaskSet, rng: np.random.Generator, layout: Layout) -> MaskSet:
    """Returns masks shuffled within each variable, which preserves its density.

    Channels are shuffled within their layer; N:M patterns are shuffled within and between rows.

    Args:
        masks: the masks; unchanged.
        rng: generator of the permutations.
        layout: the groups of weights that are pruned together.

    Reference: Morcos et al. 2019, arXiv 1906.02773, "locally permuted".
    """
    return layout.unfold(layout.permute_layer(layout.fold(masks), rng), _full(masks))


def permute_global(masks: MaskSet, rng: np.random.Generator, layout: Layout) -> MaskSet:
    """Returns masks shuffled over all variables, which only preserves the total density.

    Under a pattern it preserves the number of groups. For the arguments see `permute_layer`.

    Reference: Morcos et al. 2019, arXiv 1906.02773, "random ticket".
    """
    return layout.unfold(layout.permute_global(layout.fold(masks), rng), _full(masks))


def permute_slices(masks: MaskSet, rng: np.random.Generator, axes: Mapping[str, int]) -> MaskSet:
    """Returns masks shuffled within each slice, which preserves the number kept in every slice.

    Args:
        masks: the masks; unchanged.
        rng: generator of the permutations.
        axes: the axis that numbers the slices, by path; other variables are shuffled as a whole.
    """
    shuffled = {}
    for path, mask in sorted(masks.items()):
        slices = np.moveaxis(mask, axes[path], 0) if path in axes else mask[np.newaxis]
        flat = slices.reshape(len(slices), math.prod(slices.shape[1:]))
        moved = rng.permuted(flat, axis=1).reshape(slices.shape)
        back = np.moveaxis(moved, 0, axes[path]) if path in axes else moved[0]
        shuffled[path] = np.ascontiguousarray(back)
    return shuffled


def input_axes(infos: Sequence[VariableInfo]) -> dict[str, int]:
    """Returns the axis of the inputs of each kernel and embedding, by path.

    An input is a pixel or unit of a dense or recurrent layer, a channel of a convolution, a row of
    an embedding. Of several input axes it is the innermost.
    """
    axes = {info.path: info.input_axis for info in infos if info.input_axis is not None}
    for info in infos:
        if info.kind == "embedding":
            axes[info.path] = 0
        elif info.kind == "kernel" and info.group == "conv":  # depthwise kernels have no such axis
            axes.setdefault(info.path, len(info.shape) - 2)
    return axes


def word_axes(infos: Sequence[VariableInfo]) -> dict[str, int]:
    """Returns the axis of the words of each embedding and of the output layer, by path."""
    axes = {info.path: len(info.shape) - 1 for info in infos if info.output}
    return axes | {info.path: 0 for info in infos if info.kind == "embedding"}


def _full(masks: MaskSet) -> MaskSet:
    return {path: np.ones_like(mask) for path, mask in sorted(masks.items())}


def permute_kept_values(weights: Weights, masks: MaskSet, rng: np.random.Generator) -> Weights:
    """Returns weights with the kept values of each variable shuffled among its kept positions.

    Pruned positions, and variables without a mask, keep their values.

    Reference: Zhou et al. 2019, arXiv 1905.01067, "reshuffle".
    """
    shuffled = dict(weights)
    for path, mask in sorted(masks.items()):
        values = np.array(weights[path])
        values[mask] = rng.permutation(values[mask])
        shuffled[path] = values
    return shuffled


def permute_alike(weights: Weights, paths: Iterable[str], rng: np.random.Generator) -> Weights:
    """Returns weights with whole matrices swapped between layers that are alike.

    Variables are alike if they have the same shape and their paths only differ in layer numbers,
    such as `encoder/kernel` and `encoder_3/kernel`. Kinds with the same number of layers share one
    random permutation, never the identity.

    Args:
        weights: values by path.
        paths: variables to swap; the others don't change.
        rng: generator of the permutations.

    Raises:
        LotteryError: no two layers are alike.

    Reference: Chen et al. 2020, arXiv 2007.12223, "shuffled" pre-trained weights.
    """
    alike = alike_layers({path: weights[path].shape for path in paths})
    orders = {n: _moving_order(n, rng) for n in sorted({len(members) for members in alike})}
    shuffled = dict(weights)
    for members in alike:
        for path, index in zip(members, orders[len(members)]):
            shuffled[path] = weights[members[index]]
    return shuffled


def alike_layers(shapes: Mapping[str, tuple[int, ...]]) -> list[list[str]]:
    """Returns the groups of alike variables, by shapes of the pruned ones; see `permute_alike`.

    Raises:
        LotteryError: no two layers are alike.
    """
    kinds: dict[tuple[str, tuple[int, ...]], list[str]] = defaultdict(list)
    for path in sorted(shapes, key=_numbers):
        kinds[re.sub(_NUMBER, "", path), shapes[path]].append(path)
    alike = [members for members in kinds.values() if len(members) > 1]
    if not alike:
        raise LotteryError(
            "Expected layers that are alike, such as those of a Transformer. Received: no two "
            "pruned variables of the same shape in numbered layers. Leave layers_shuffled out."
        )
    return alike


_NUMBER = r"_\d+(?=/)"


def _numbers(path: str) -> tuple[str, list[int]]:
    """Sort key of paths by layer number; the first layer of a kind has none."""
    return re.sub(_NUMBER, "", path), [int(n[1:]) for n in re.findall(_NUMBER, path)]


def _moving_order(count: int, rng: np.random.Generator) -> list[int]:
    order = rng.permutation(count)
    while (order == np.arange(count)).all():
        order = rng.permutation(count)
    return [int(index) for index in order]
