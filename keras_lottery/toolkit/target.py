"""The target of pruning: a sparsity, FLOPs or bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from keras_lottery import checks, pruning
from keras_lottery.compaction.channels import cost_of
from keras_lottery.errors import LotteryError
from keras_lottery.masking.inventory import Inventory
from keras_lottery.pruning.counts import count
from keras_lottery.types import MaskSet, VariableInfo

Sparsity = float | Mapping[str, float]


@dataclass(frozen=True)
class Target:
    """The target of pruning: at most one of these; without one, the pattern's default sparsity.

    Args:
        sparsity: fraction removed, or fractions by path pattern.
        flops: fraction of the floating-point operations removed.
        bytes: size of the parameters.
    """

    sparsity: Sparsity | None = None
    flops: float | None = None
    bytes: int | None = None

    def checked(self, pattern: str) -> "Target":
        """Returns the target with plain numbers.

        Raises:
            LotteryError: there are two targets, one is out of range, or the pattern doesn't
                support it.
        """
        targets = {k: v for k, v in vars(self).items() if v is not None}
        if len(targets) > 1:
            values = ", ".join(f"{name}={value!r}" for name, value in targets.items())
            raise LotteryError(
                f"Expected one of sparsity, flops and bytes. Received: {values}. Choose one."
            )
        if not pruning.needs_channels(pattern) and not targets.keys() <= {"sparsity"}:
            raise LotteryError(
                f"Expected pattern='channels' with {next(iter(targets))}=, which is measured on "
                f"the compacted model. Received: {pattern!r}. Pass a sparsity, or prune channels."
            )
        if self.flops is not None:
            return Target(flops=checks.fraction(self.flops, "flops"))
        if self.bytes is not None:
            return Target(bytes=checks.whole_number(self.bytes, "bytes", least=1))
        return self if self.sparsity is None else Target(_sparsity(self.sparsity))

    @property
    def most(self) -> float:
        """The largest requested sparsity, 0 if unknown."""
        if isinstance(self.sparsity, Mapping):
            return max(self.sparsity.values(), default=0.0)
        return self.sparsity or 0.0


def _sparsity(sparsity: Sparsity) -> Sparsity:
    if not isinstance(sparsity, Mapping):
        return checks.fraction(sparsity, "sparsity")
    if not sparsity or not all(isinstance(key, str) for key in sparsity):
        raise LotteryError(
            "Expected a sparsity by path pattern, group or 'output'. "
            f"Received: {dict(sparsity)!r}. Name some layers."
        )
    return {k: checks.fraction(v, f"sparsity of {k!r}") for k, v in sparsity.items()}


def prune_to_target(
    target: Target, inventory: Inventory, infos: list[VariableInfo], pattern: str
) -> Callable[..., MaskSet]:
    """Returns the function that prunes to a target."""
    if target.flops is None and target.bytes is None:
        sparsity = target.sparsity
        if sparsity is None:
            sparsity = pruning.layout_of(pattern, infos).sparsity
        return partial(pruning.prune_to, sparsity=sparsity)
    size = cost_of(inventory)
    if target.bytes is not None:
        return partial(pruning.prune_to_cost, cost=size.bytes, budget=target.bytes, unit="bytes")
    dense = size.flops(pruning.full_masks(infos))
    budget = dense - count(target.flops or 0.0, dense)
    return partial(
        pruning.prune_to_cost, cost=size.flops, budget=budget, unit=f"of {dense:,} FLOPs"
    )
