"""The settings of calibrated pruning, one class per method, as in Keras' `GPTQConfig`."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from keras_lottery import checks, pruning
from keras_lottery.errors import LotteryError, unknown_name
from keras_lottery.pruning.sparsegpt import sparsegpt
from keras_lottery.pruning.wanda import wanda

__all__ = ["CalibrationConfig", "Pruned", "SparseGPTConfig", "WandaConfig"]

Array = NDArray[Any]
Mask = NDArray[np.bool_]
DEFAULT_SPARSITY = 0.5
WANDA_SCOPES = ("output", "layer")


class Pruned(NamedTuple):
    """A linear map after pruning.

    Args:
        weights: shape `(outputs, inputs)`, 0 where pruned.
        kept: its mask, True = kept.
    """

    weights: Array
    kept: Mask


@dataclass(frozen=True, eq=False)
class CalibrationConfig(ABC):
    """Settings that all methods share.

    Args:
        dataset: the calibration data: strings, which are tokenized and joined to one text; or
            arrays of token ids, one per sequence. Any iterable of these, or one array of one or
            two axes. A stream without a length, such as a generator, which can be used only once,
            is read up to the first `num_samples` sequences.
        tokenizer: a KerasHub tokenizer or any function from a string to token ids; None: the
            tokenizer of the model's preprocessor.
        sparsity: fraction removed of the selected kernels, in [0, 1); None: 0.5, or (M - N) / M
            with an N:M pattern.
        pattern: `weights`, or N of M consecutive inputs such as `2:4`.
        num_samples: number of sequences, spread evenly over the data.
        sequence_length: tokens per sequence; sequences don't overlap.
        batch_size: sequences in one forward pass.

    Raises:
        LotteryError: an argument is unknown, has the wrong type or is out of range.
    """

    dataset: Any = field(repr=False)
    tokenizer: Any = field(default=None, repr=False)
    sparsity: float | None = None
    pattern: str = "weights"
    num_samples: int = 128
    sequence_length: int = 512
    batch_size: int = 8

    needs_products: ClassVar[bool] = False
    """True if `prune` needs the products of all pairs of inputs, not just squares."""

    def __new__(cls, *arguments: Any, **settings: Any) -> "CalibrationConfig":
        names = [entry.name for entry in fields(cls)]
        for name in settings.keys() - set(names):
            raise unknown_name(f"argument of {cls.__name__}", name, names)
        return super().__new__(cls)

    def __post_init__(self) -> None:
        for name in ("num_samples", "sequence_length", "batch_size"):
            checks.whole_number(getattr(self, name), name, least=1)
        single = isinstance(self.dataset, str | bytes | Mapping)
        if single or not isinstance(self.dataset, Iterable):
            raise LotteryError(
                "Expected dataset, strings or arrays of token ids. "
                f"Received: {type(self.dataset).__name__}. Pass a list of either."
            )
        if not (self.tokenizer is None or callable(self.tokenizer)):
            raise LotteryError(
                "Expected tokenizer, a function from a string to token ids. "
                f"Received: {type(self.tokenizer).__name__}. Pass a KerasHub tokenizer."
            )
        checks.text(self.pattern, "pattern")
        pruning.check_pattern(self.pattern)
        if self.pattern != "weights" and not self.n_of_m:
            raise LotteryError(
                "Expected pattern='weights' or N of M such as '2:4'. "
                f"Received: {self.pattern!r}. For other patterns use kl.prune."
            )
        self._check_sparsity()

    def _check_sparsity(self) -> None:
        if self.sparsity is None:
            return
        sparsity = checks.fraction(self.sparsity, "sparsity")
        object.__setattr__(self, "sparsity", sparsity)
        if sparsity == 1:
            raise LotteryError(
                "Expected sparsity, a fraction from 0 to less than 1. Received: 1. Lower it."
            )
        if self.n_of_m and not math.isclose(sparsity, self.fraction, abs_tol=1e-6):
            raise LotteryError(
                f"Expected sparsity={self.fraction:g} with pattern={self.pattern!r}, which prunes "
                f"exactly that. Received: {sparsity:g}. Leave the sparsity out."
            )

    @property
    def n_of_m(self) -> tuple[int, int] | None:
        """(N, M), or None for single weights."""
        n, _, m = self.pattern.partition(":")
        return (int(n), int(m)) if n.isdigit() and m.isdigit() else None

    @property
    def fraction(self) -> float:
        """The fraction removed, defaults included."""
        if self.n_of_m:
            return 1 - self.n_of_m[0] / self.n_of_m[1]
        return DEFAULT_SPARSITY if self.sparsity is None else float(self.sparsity)

    @abstractmethod
    def prune(self, weights: Array, moments: Array, kept: Mask) -> Pruned:
        """Returns a linear map pruned.

        Args:
            weights: shape `(outputs, inputs)`.
            moments: sums over tokens of the squares of the inputs, shape `(inputs,)`, or of their
                products if `needs_products`, shape `(inputs, inputs)`.
            kept: False where a weight is pruned already.

        Raises:
            LotteryError: more weights are pruned already, or the map can't be pruned.
        """


@dataclass(frozen=True, eq=False)
class WandaConfig(CalibrationConfig):
    """Settings of Wanda, which prunes by |weight| · ‖input‖₂ and changes no surviving weight.

    Exactly floor(sparsity × size) weights of every comparison group are pruned. The other
    arguments are those of `CalibrationConfig`.

    Args:
        scope: the comparison groups: the weights of an `output`, as in the paper's results, or of
            a whole `layer`, which did better on the small network that we measured. N:M patterns
            compare within each group of M inputs.

    Reference: Sun et al. 2023, "A simple and effective pruning approach for large language
    models", arXiv 2306.11695.

    Example:
        >>> kl.prune_calibrated(model, kl.WandaConfig(texts, sparsity=0.5))
    """

    scope: str = "output"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.text(self.scope, "scope")
        if self.scope not in WANDA_SCOPES:
            raise unknown_name("scope", self.scope, WANDA_SCOPES)
        if self.n_of_m and self.scope != "output":
            raise LotteryError(
                f"Expected scope='output' with pattern={self.pattern!r}, whose comparison groups "
                f"are {self.n_of_m[1]} consecutive inputs. Received: {self.scope!r}. Leave it out."
            )

    def prune(self, weights: Array, moments: Array, kept: Mask) -> Pruned:
        kept = wanda(weights, moments, kept, self.fraction, self.n_of_m, self.scope)
        return Pruned(np.where(kept, weights, 0), kept)


@dataclass(frozen=True, eq=False)
class SparseGPTConfig(CalibrationConfig):
    """Settings of SparseGPT, which also updates the surviving weights.

    Exactly floor(sparsity × weights) of every kernel are pruned, the same fraction in each block
    of inputs; outputs may differ. The other arguments are those of `CalibrationConfig`.

    Args:
        hessian_damping: added to the diagonal of the Hessian, as a fraction of its mean, in
            [0, 1].
        block_size: inputs whose weights are chosen at once.

    Reference: Frantar & Alistarh 2023, "SparseGPT: massive language models can be accurately
    pruned in one-shot", arXiv 2301.00774.

    Example:
        >>> kl.prune_calibrated(model, kl.SparseGPTConfig(texts, pattern="2:4"))
    """

    hessian_damping: float = 0.01
    block_size: int = 128

    needs_products: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.fraction(self.hessian_damping, "hessian_damping")
        checks.whole_number(self.block_size, "block_size", least=1)

    def prune(self, weights: Array, moments: Array, kept: Mask) -> Pruned:
        return Pruned(
            *sparsegpt(
                weights,
                moments,
                kept,
                self.fraction,
                self.n_of_m,
                block_size=self.block_size,
                damping=self.hessian_damping,
            )
        )
