"""Pools: the variables that share one rate and are counted together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keras_lottery.errors import LotteryError
from keras_lottery.patterns import matches
from keras_lottery.types import VariableInfo

GROUPS = ("conv", "dense", "embedding", "other", "recurrent")


@dataclass(frozen=True)
class Pool:
    """Prunable variables that share one rate.

    Args:
        name: key in `prune.rates`; empty for variables that no key matches.
        rate: their rate, or their sparsity.
        infos: the variables in path order; never empty.
    """

    name: str
    rate: float
    infos: tuple[VariableInfo, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Paths of the variables, sorted."""
        return tuple(info.path for info in self.infos)

    @property
    def size(self) -> int:
        """Number of weights, pruned ones included."""
        return sum(info.size for info in self.infos)

    def __str__(self) -> str:
        return f"pool {self.name!r}" if self.name else "prunable variables"


def make_pools(
    infos: Sequence[VariableInfo],
    rate: float,
    rates: Mapping[str, float] | None = None,
    option: str = "prune.rates",
) -> list[Pool]:
    """Returns the pools of the prunable variables.

    A key of `rates` is a path pattern, `output`, or a group, in this order of precedence (longer
    patterns first). `rate` applies to all other variables.

    Args:
        infos: the variables; only prunable ones are used.
        rate: rate of the variables that no key matches.
        rates: other rates by key.
        option: name of the option with these rates, for errors.

    Raises:
        LotteryError: nothing is prunable, a path occurs twice, or a key is not a group and
            matches no variable.
    """
    prunable = sorted((i for i in infos if i.prunable), key=lambda info: info.path)
    rates = dict(rates or {})
    _check(infos, prunable, rates, option)
    members: dict[str, list[VariableInfo]] = {}
    for info in prunable:
        members.setdefault(_key(info, rates), []).append(info)
    return [Pool(key, rates[key] if key else rate, tuple(members[key])) for key in sorted(members)]


def _key(info: VariableInfo, rates: Mapping[str, float]) -> str:
    patterns = [k for k in rates if _is_pattern(k) and matches(info.places, (k,))]
    if patterns:
        return max(patterns, key=lambda pattern: (len(pattern), pattern))
    if info.output and "output" in rates:
        return "output"
    return info.group if info.group in rates else ""


def _is_pattern(key: str) -> bool:
    return key not in GROUPS and key != "output"


def _check(
    infos: Sequence[VariableInfo],
    prunable: Sequence[VariableInfo],
    rates: Mapping[str, float],
    option: str,
) -> None:
    if not prunable:
        reasons = "; ".join(f"{i.path}: {i.reason or 'not prunable'}" for i in infos[:5])
        raise LotteryError(
            f"Expected at least one prunable variable. Received: none of {len(infos)} "
            f"({reasons or 'the model has no variables'}). Change include, exclude or the options."
        )
    paths = [info.path for info in infos]
    if len(set(paths)) < len(paths):
        twice = sorted({p for p in paths if paths.count(p) > 1})
        raise LotteryError(
            f"Expected every path once. Received twice: {', '.join(twice)}. "
            "Pass each variable only once."
        )
    for key in rates:
        if _is_pattern(key) and not any(matches(info.places, (key,)) for info in infos):
            raise LotteryError(
                f"{option}: expected a group ({', '.join(GROUPS)}), 'output', or the pattern "
                f"of a path. Received: {key!r}, which matches no variable. "
                f"The paths are: {', '.join(sorted(paths)[:8])}{', …' if len(paths) > 8 else ''}."
            )
