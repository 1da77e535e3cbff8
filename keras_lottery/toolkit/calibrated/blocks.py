"""Transformer blocks of a causal language model: finding them and their kernels, running one."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_lottery import backend
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking.inventory import Entry, Inventory
from keras_lottery.toolkit.calibrated.linear import LinearMap, linear_map

__all__ = ["BlockRunner", "Filters", "Kernel", "backbone_of", "blocks_of", "kernels_of"]

Filters = str | Sequence[str] | Callable[[keras.Layer], bool] | None
"""Regular expressions searched in a layer's name and path, or a function of the layer."""

LEAST_MAPS = 2


@dataclass(frozen=True)
class Kernel:
    """A kernel to prune.

    Args:
        path: its structural path.
        variable: its value.
        layer: the layer that multiplies by it.
        linear: the kernel as a matrix.
    """

    path: str
    variable: keras.Variable
    layer: keras.Layer
    linear: LinearMap


def backbone_of(model: keras.Layer) -> keras.Layer:
    """Returns the model that runs the blocks: without the head, where a model separates the two."""
    backbone = getattr(model, "backbone", None)
    return backbone if isinstance(backbone, keras.Model) else model


def blocks_of(model: keras.Layer) -> list[keras.Layer]:
    """Returns the Transformer blocks in the order in which they run.

    They are those that the model names for Keras' own GPTQ, by `get_quantization_layer_structure`;
    for other models, the layers directly inside it, or inside a model in it, that hold at least two
    Dense or EinsumDense layers.

    Raises:
        LotteryError: there are none.
    """
    structure = None
    if isinstance(model, keras.Model):
        structure = model.get_quantization_layer_structure("gptq")
    if structure and structure.get("sequential_blocks"):
        return list(dict.fromkeys(structure["sequential_blocks"]))
    blocks = _blocks_in(backbone_of(model))
    if not blocks:
        raise LotteryError(
            "Expected a causal language model of Transformer blocks. Received: "
            f"{model.name!r} of class {type(model).__name__}, in which there are none. Use "
            "kl.prune, or name the blocks in the model's get_quantization_layer_structure."
        )
    return blocks


def _blocks_in(model: keras.Layer) -> list[keras.Layer]:
    blocks: list[keras.Layer] = []
    for layer in getattr(model, "layers", ()):
        inner = _blocks_in(layer) if isinstance(layer, keras.Model) else []
        blocks += inner or ([layer] if _is_block(layer) else [])
    return list(dict.fromkeys(blocks))


def _is_block(layer: keras.Layer) -> bool:
    inner = internals.flatten_layers(layer)[1:]
    return sum(linear_map(sublayer) is not None for sublayer in inner) >= LEAST_MAPS


def kernels_of(
    inventory: Inventory, blocks: Sequence[keras.Layer], filters: Filters
) -> list[list[Kernel]]:
    """Returns the kernels of each block whose layers match the filters.

    Raises:
        LotteryError: the filters are of a wrong type or no regular expressions, or match nothing.
    """
    selects = _selector(filters)
    by_layer = {id(e.role.layer): e for e in inventory.entries if e.info.kind == "kernel"}
    names, kernels, seen = [], [], set()
    for block in blocks:
        inside: list[Kernel] = []
        for layer in internals.flatten_layers(block):
            entry, linear = by_layer.get(id(layer)), linear_map(layer)
            if entry is None or linear is None or id(entry.variable) in seen:
                continue
            names.append(layer.name)
            if selects(layer, entry):
                seen.add(id(entry.variable))
                inside.append(Kernel(entry.info.path, entry.variable, layer, linear))
        kernels.append(inside)
    if not any(kernels):
        raise LotteryError(
            "Expected filters that match a Dense or EinsumDense layer of a block. Received: "
            f"{filters!r}. There are {', '.join(dict.fromkeys(names)) or 'none'}."
        )
    return kernels


def _selector(filters: Filters) -> Callable[[keras.Layer, Entry], bool]:
    if filters is None:
        return lambda layer, entry: True
    if callable(filters):
        return lambda layer, entry: bool(filters(layer))
    expressions = (filters,) if isinstance(filters, str) else filters
    try:
        compiled = [re.compile(expression) for expression in expressions]
    except (TypeError, re.error) as error:
        raise LotteryError(
            "Expected filters, a regular expression, a list of them, or a function of a layer. "
            f"Received: {filters!r}. {error}."
        ) from error
    return lambda layer, entry: any(
        one.search(layer.name) or one.search(entry.info.path) for one in compiled
    )


class BlockRunner:
    """Runs one block of a model at a time, on the outputs of the one before it.

    The model itself passes each block its arguments: embeddings, positions and attention masks are
    computed as usual, and the other blocks return outputs that were computed before. So only the
    outputs of one block are in memory.

    Args:
        model: runs the blocks, in inference mode.
        blocks: in the order in which they run.
        inputs: returns the model's inputs, one batch after the other; called in every pass.
    """

    def __init__(
        self,
        model: keras.Layer,
        blocks: Sequence[keras.Layer],
        inputs: Callable[[], Any],
    ) -> None:
        self.model, self.blocks, self.inputs = model, blocks, inputs
        self.outputs: list[Any] = []

    def observe(self, index: int, observers: dict[keras.Layer, Callable[[Any], None]]) -> None:
        """Runs a block on all batches, and passes the input of layers in it to functions.

        Args:
            index: number of the block.
            observers: functions of a layer's input, by layer.
        """

        def watched(observe: Callable[[Any], None]) -> internals.Replacement:
            def call(own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
                observe(args[0] if args else kwargs["inputs"])
                return own(*args, **kwargs)

            return call

        with internals.replaced_calls({la: watched(see) for la, see in observers.items()}):
            for _ in self._passes(index):
                pass

    def advance(self, index: int) -> None:
        """Runs a block on all batches, and keeps its outputs for the next one."""
        self.outputs = list(self._kept(index))

    def _kept(self, index: int) -> Any:
        for batch, output in enumerate(self._passes(index)):
            if index:
                self.outputs[batch] = None  # read for the last time
            yield output

    def _passes(self, index: int) -> Any:
        """Yields the outputs of a block for each batch."""
        latest: Any = None

        def skip(own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
            return latest

        def run(own: Callable[..., Any], args: Any, kwargs: Any) -> Any:
            nonlocal latest
            latest = own(*args, **kwargs)
            return latest

        calls = {block: run if i == index else skip for i, block in enumerate(self.blocks)}
        for batch, inputs in enumerate(self.inputs()):
            latest = self.outputs[batch] if index else None
            with backend.no_gradients(), internals.replaced_calls(calls):
                self.model(inputs, training=False)
            yield latest
