"""Pruning a causal language model block by block, with calibration data."""

from collections.abc import Sequence, Set
from dataclasses import replace
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, state
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.inventory import Inventory, read_model
from keras_lottery.masking.learned import is_learned
from keras_lottery.masking.options import MaskOptions
from keras_lottery.toolkit.calibrated.blocks import (
    BlockRunner,
    Filters,
    Kernel,
    backbone_of,
    blocks_of,
    kernels_of,
)
from keras_lottery.toolkit.calibrated.configs import CalibrationConfig
from keras_lottery.toolkit.calibrated.dataset import batches, windows
from keras_lottery.toolkit.mask_model import mask_selected
from keras_lottery.toolkit.summarize_model import summarize
from keras_lottery.toolkit.summary_table import Summary
from keras_lottery.types import MaskSet, VariableInfo

__all__ = ["prune_calibrated"]


def prune_calibrated(
    model: keras.Model, config: CalibrationConfig, filters: Filters = None
) -> Summary:
    """Prunes a causal language model with calibration data, and returns a table of kept weights.

    The kernels of the Dense and EinsumDense layers in the Transformer blocks are pruned: attention
    projections and feed-forward layers, not embeddings, the head, or mixture-of-experts kernels.
    Blocks are run one at a time on the calibration data, pruned by the inputs of their layers, and
    run again, so that the next block sees the outputs of pruned ones. The outputs of one block and,
    for SparseGPT, the products of its layers' inputs are in memory at a time.

    In a model without masks, each block is masked when it is pruned. In a masked model, only
    kernels with a mask are pruned, and weights that are pruned already stay so. Pruned weights are
    exactly 0.

    Args:
        model: a built causal language model of KerasHub, or any Keras model of Transformer blocks
            that reads token ids.
        config: the method, its settings and the data: `WandaConfig` or `SparseGPTConfig`.
        filters: as in Keras' `quantize`: a regular expression or several, searched in a layer's
            name and in the structural path of its kernel; or a function that returns True for
            layers to prune. None: all.

    Raises:
        LotteryError: the model has no Transformer blocks, or inputs other than token ids; the
            dataset is empty, too short or of a wrong type; a weight or an input is NaN or infinite;
            the filters match nothing; M doesn't divide the number of inputs of a layer; more
            weights are pruned already. If an error or an interrupt stops it midway, the blocks so
            far are pruned and masked, and the others unchanged.

    References:
        Sun et al. 2023, arXiv 2306.11695 (Wanda); Frantar & Alistarh 2023, arXiv 2301.00774
        (SparseGPT).

    Example:
        >>> model = keras_hub.models.CausalLM.from_preset("opt_125m_en")
        >>> print(prune_calibrated(model, WandaConfig(texts, sparsity=0.5, num_samples=64)))
        >>> prune_calibrated(model, SparseGPTConfig(texts, pattern="2:4"), filters="feedforward")
    """
    arguments.maskable_model(model)
    if not isinstance(config, CalibrationConfig):
        raise LotteryError(
            "Expected config, a kl.WandaConfig or kl.SparseGPTConfig. Received: "
            f"{type(config).__name__}. Pass an instance of one of them."
        )
    blocks, backbone = blocks_of(model), backbone_of(model)
    internals.sync_trainer(model)
    inventory = read_model(model)
    kernels = _to_prune(inventory, kernels_of(inventory, blocks, filters), config)
    ids = windows(config, _tokenizer(model, config), backbone)
    inputs = partial(batches, backbone, ids, config.batch_size)
    next(inputs())  # raises before anything changes
    chosen = {kernel.path for inside in kernels for kernel in inside}
    masks = _prune_blocks(model, kernels, config, BlockRunner(backbone, blocks, inputs))
    return summarize([_described(info, chosen) for info in inventory.infos], masks)


def _prune_blocks(
    model: keras.Model,
    kernels: Sequence[Sequence[Kernel]],
    config: CalibrationConfig,
    runner: BlockRunner,
) -> MaskSet:
    """Prunes one block after the other, and returns all masks of the model."""
    masks = state.get_masks(model)
    last = max(index for index, inside in enumerate(kernels) if inside)
    try:
        for index, inside in enumerate(kernels[: last + 1]):
            moments = [Moments(kernel, config.needs_products) for kernel in inside]
            if inside:
                runner.observe(index, {m.kernel.layer: m.add for m in moments})
                pruned = [
                    (m.kernel, *_pruned(m, masks.get(m.kernel.path), config)) for m in moments
                ]
                _mask(model, inside, config.fraction if not masks else 1.0)
                for kernel, weights, mask in pruned:
                    kernel.variable.assign(weights)
                    masks[kernel.path] = mask
            if index < last:
                runner.advance(index)
    finally:
        state.set_masks(model, masks)
    return masks


class Moments:
    """Sums over tokens of the inputs of a layer: their squares, or the products of all pairs.

    They are summed on the device, in float32.

    Args:
        kernel: the layer and its linear map.
        products: sum all products, not just squares.
    """

    def __init__(self, kernel: Kernel, products: bool) -> None:
        self.kernel, self.products = kernel, products
        self._sum: Any = None

    def add(self, x: Any) -> None:
        """Adds the inputs of one batch."""
        tokens = ops.cast(self.kernel.linear.tokens(x), "float32")
        if self.products:
            added = ops.matmul(ops.transpose(tokens), tokens)
        else:
            added = ops.sum(ops.square(tokens), axis=0)
        self._sum = added if self._sum is None else self._sum + added

    def take(self) -> np.ndarray:
        """Returns the sum and frees it.

        Raises:
            LotteryError: the layer was never called, or an input is NaN or infinite.
        """
        if self._sum is None:
            raise LotteryError(
                "Expected layers that run in every block. Received: "
                f"{self.kernel.layer.name!r}, which no sequence reached. Leave it out with filters."
            )
        total, self._sum = np.asarray(ops.convert_to_numpy(self._sum)), None
        if not np.isfinite(total).all():
            raise LotteryError(
                "Expected finite inputs of every layer. Received: NaN or infinity in the input of "
                f"{self.kernel.path!r}. Check the model's weights, and its dtype policy."
            )
        return total


def _mask(model: keras.Model, kernels: Sequence[Kernel], more_than: float) -> None:
    """Masks the kernels that have no mask yet; see `mask_selected` for its warning."""
    paths = frozenset(kernel.path for kernel in kernels)
    mask_selected(model, MaskOptions(paths=paths), more_than)


def _pruned(
    moments: Moments, kept: np.ndarray | None, config: CalibrationConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Returns the weights of one kernel after pruning, and its mask."""
    variable, linear = moments.kernel.variable, moments.kernel.linear
    shape = tuple(variable.shape)
    value = np.asarray(ops.convert_to_numpy(variable.value))
    value = value if value.dtype == np.float64 else value.astype(np.float32)  # from bfloat16, say
    kept = np.ones(shape, np.bool_) if kept is None else kept
    pruned = config.prune(linear.matrix(value), moments.take(), linear.matrix(kept))
    weights = linear.kernel(pruned.weights, shape).astype(value.dtype)
    return weights, linear.kernel(pruned.kept, shape)


def _to_prune(
    inventory: Inventory, kernels: list[list[Kernel]], config: CalibrationConfig
) -> list[list[Kernel]]:
    """Returns the kernels that are masked, or can be; raises if one can't be pruned."""
    model, masks = inventory.model, state.masks_of(inventory.variables)
    if is_learned(model) or any(fill.any() for fill in state.get_fills(model).values()):
        raise LotteryError(
            "Expected masks whose pruned weights are 0. Received: learned or frozen masks. "
            "Strip the model first."
        )
    if masks:
        kernels = [[kernel for kernel in inside if kernel.path in masks] for inside in kernels]
    chosen = [kernel for inside in kernels for kernel in inside]
    if not chosen:
        raise LotteryError(
            "Expected masks on kernels of Transformer blocks. Received: a model with masks on "
            f"{', '.join(list(masks)[:3])}. Mask the kernels too, or strip the model first."
        )
    for kernel in chosen:
        _check_kernel(kernel, config)
    return kernels


def _check_kernel(kernel: Kernel, config: CalibrationConfig) -> None:
    weights = state.weights_of({kernel.path: kernel.variable})
    checks.finite_weights(weights, weights)
    inputs = kernel.linear.matrix(weights[kernel.path]).shape[1]
    if config.n_of_m and inputs % config.n_of_m[1]:
        raise LotteryError(
            f"Expected a number of inputs that {config.n_of_m[1]} divides, with "
            f"pattern={config.pattern!r}. Received: {inputs} of {kernel.path!r}. Leave the "
            "layer out with filters, or choose another pattern."
        )


def _tokenizer(model: keras.Model, config: CalibrationConfig) -> Any:
    if config.tokenizer is not None:
        return config.tokenizer
    return getattr(getattr(model, "preprocessor", None), "tokenizer", None)


def _described(info: VariableInfo, chosen: Set[str]) -> VariableInfo:
    if info.path in chosen:
        return replace(info, prunable=True, reason="")
    reason = info.reason or "not a selected kernel of a Transformer block"
    return replace(info, prunable=False, reason=reason)
