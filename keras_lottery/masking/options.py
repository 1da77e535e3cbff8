"""The options of every entry point that choose which variables are pruned."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from keras_lottery import checks, pruning
from keras_lottery.patterns import check_matches

__all__ = ["MaskOptions", "Options", "Patterns", "check_selection", "options_from"]

Patterns = str | Sequence[str]
"""One pattern or several; they match structural paths and user-given layer names."""


class Options(Protocol):
    """The fields that choose prunable variables, in `MaskOptions` and `config.PruneConfig`."""

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
    """Chooses which variables are pruned.

    Args:
        include: path patterns; only matching variables are pruned. Empty: all.
        exclude: path patterns that are never pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        output_layer: path pattern of the output layer, if it isn't detected.
        pattern: which weights are pruned together: `weights`, `channels`, `channels:8`,
            `2:4`, `block:4x4`.
        paths: structural paths; only these variables are pruned. Empty: all. Unlike a pattern, a
            path doesn't match the name of another layer.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    biases: bool = False
    norms: bool = False
    embeddings: bool = True
    output: bool = True
    output_layer: str = ""
    pattern: str = "weights"
    paths: frozenset[str] = frozenset()


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
    """Returns the options; patterns are a string or any sequence of strings.

    Raises:
        LotteryError: an argument has the wrong type, or `pattern` is unknown.
    """
    pruning.check_pattern(pattern)
    return MaskOptions(
        include=checks.patterns(include, "include"),
        exclude=checks.patterns(exclude, "exclude"),
        biases=checks.truth(biases, "biases"),
        norms=checks.truth(norms, "norms"),
        embeddings=checks.truth(embeddings, "embeddings"),
        output=checks.truth(output, "output"),
        output_layer=checks.text(output_layer, "output_layer"),
        pattern=pattern,
    )


def check_selection(options: Options, places: Sequence[Iterable[str]]) -> None:
    """Checks that each pattern of the options matches a variable.

    Args:
        options: the options.
        places: paths and names of each variable that patterns match.

    Raises:
        LotteryError: a pattern matches nothing; the message lists near matches.
    """
    check_matches("include", options.include, places)
    check_matches("exclude", options.exclude, places)
