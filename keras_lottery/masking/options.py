"""Which variables are pruned: the options that every entry point takes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from keras_lottery import checks, pruning
from keras_lottery.patterns import check_matches

__all__ = ["MaskOptions", "Options", "Patterns", "check_selection", "options_from"]

Patterns = str | Sequence[str]
"""One pattern or several; they match structural paths and the names that layers were given."""


class Options(Protocol):
    """What decides on prunable variables; `MaskOptions` and `config.PruneConfig` have it."""

    @property
    def include(self) -> tuple[str, ...]: ...
    @property
    def exclude(self) -> tuple[str, ...]: ...
    @property
    def biases(self) -> bool: ...
    @property
    def norms(self) -> bool: ...
    @property
    def embeddings(self) -> bool: ...
    @property
    def output(self) -> bool: ...
    @property
    def pattern(self) -> str: ...


@dataclass(frozen=True)
class MaskOptions:
    """Which variables are pruned.

    Args:
        include: path patterns; only matching variables are pruned. Empty: all.
        exclude: path patterns that are never pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        output_layer: path pattern of the output layer, where it is not found by itself.
        pattern: which weights are pruned together: `weights`, `channels`, `2:4`, `block:4x4`.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    biases: bool = False
    norms: bool = False
    embeddings: bool = True
    output: bool = True
    output_layer: str = ""
    pattern: str = "weights"


def options_from(
    include: Patterns = (),
    exclude: Patterns = (),
    biases: bool = False,
    norms: bool = False,
    embeddings: bool = True,
    output: bool = True,
    output_layer: str = "",
    pattern: str = "weights",
) -> MaskOptions:
    """Returns the options, with patterns given as a string or any sequence.

    Raises:
        LotteryError: one is of another type, or the pattern is not known.
    """
    pruning.check_pattern(pattern)
    switches = {"biases": biases, "norms": norms, "embeddings": embeddings, "output": output}
    return MaskOptions(
        include=checks.patterns(include, "include"),
        exclude=checks.patterns(exclude, "exclude"),
        output_layer=checks.text(output_layer, "output_layer"),
        pattern=pattern,
        **{name: checks.truth(value, name) for name, value in switches.items()},
    )


def check_selection(options: Options, places: Sequence[Iterable[str]]) -> None:
    """Checks that each pattern of the options matches a variable.

    Args:
        options: those that were given.
        places: paths of each variable under which patterns find it.

    Raises:
        LotteryError: one matches nothing; near ones are named.
    """
    check_matches("include", options.include, places)
    check_matches("exclude", options.exclude, places)
