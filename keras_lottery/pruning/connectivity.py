"""The units of a dense network that the kept weights connect."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from keras_lottery.types import MaskSet, VariableInfo


def connected(masks: MaskSet, infos: Sequence[VariableInfo]) -> dict[str, tuple[int, int]]:
    """Returns how many inputs and units of each layer are on a path through the network.

    A path leads from an input of the network to an output through kept weights. A unit without a
    path from an input is constant; one without a path to an output changes nothing.

    Args:
        masks: masks of the kernels; those without one keep all weights.
        infos: the variables of the model.

    Returns:
        By path of the kernel, the connected inputs and the connected units of its layer; empty if
        the network isn't a chain of dense layers.
    """
    chain = sorted((i.chain, i.path, i.shape) for i in infos if i.chain is not None)
    if not chain:
        return {}
    kernels = [masks.get(path, np.ones(shape, np.bool_)) for _, path, shape in chain]
    reached: list[NDArray[np.bool_]] = [np.ones(len(kernels[0]), np.bool_)]
    for kernel in kernels:
        reached.append(np.any(kernel[reached[-1]], axis=0))
    needed: list[NDArray[np.bool_]] = [np.ones(kernels[-1].shape[1], np.bool_)]
    for kernel in reversed(kernels):
        needed.append(np.any(kernel[:, needed[-1]], axis=1))
    counts = [int((a & b).sum()) for a, b in zip(reached, reversed(needed))]
    paths = [path for _, path, _ in chain]
    return {path: (counts[n], counts[n + 1]) for n, path in enumerate(paths)}
