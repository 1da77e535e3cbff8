"""What of a model can be pruned under given options, and why the rest cannot."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Protocol

import keras

from keras_lottery import checks
from keras_lottery.masking import paths
from keras_lottery.masking.learned import was_trained
from keras_lottery.masking.output_layer import output_layers
from keras_lottery.masking.prunable import Weights, prunable_weights
from keras_lottery.types import VariableInfo

__all__ = ["MaskOptions", "Prunable", "describe", "find", "matches"]


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
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    biases: bool = False
    norms: bool = False
    embeddings: bool = True
    output: bool = True
    output_layer: str = ""


@dataclass(frozen=True)
class Prunable:
    """A variable, what is said of it, and the layer that holds its mask.

    Args:
        info: path, shape, kind and the rest.
        variable: the variable.
        owner: the layer under whose `call` the mask works.
        name: path of the variable within its owner, e.g. `kernel` or `cell/kernel`.
    """

    info: VariableInfo
    variable: keras.Variable
    owner: keras.Layer
    name: str


def describe(model: keras.Layer, options: Options | None = None) -> list[VariableInfo]:
    """Returns every weight of a model, with those that `options` let be pruned marked.

    Listed are the variables that the table of layer classes knows, and every other variable that
    is trained, in the order of `variables`.

    Args:
        model: a built model or layer.
        options: `MaskOptions`, or a config's `PruneConfig`; None for the defaults.

    Raises:
        LotteryError: the model is not built.
    """
    return [found.info for found in find(model, options)]


def find(model: keras.Layer, options: Options | None = None) -> list[Prunable]:
    """Returns what `describe` does, with the variables and the layers that will hold the masks."""
    options = options or MaskOptions()
    paths.check_built(model)
    outputs = output_layers(model, getattr(options, "output_layer", ""))
    owners = _owners(model)
    found = []
    for path, layer, attribute, variable in paths.named_variables(model):
        known = prunable_weights(layer)
        kind = known.kinds.get(attribute, "") if known else ""
        if not kind and not was_trained(variable):
            continue
        info = VariableInfo(
            path=path,
            shape=tuple(int(n) for n in variable.shape),
            kind=kind or "other",
            layer=type(layer).__name__,
            group=known.group if known else "other",
            output=id(layer) in outputs,
        )
        owner, prefix = owners[id(layer)]
        name = f"{prefix}/{attribute}" if prefix else attribute
        found.append(Prunable(_judged(info, known, kind, options), variable, owner, name))
    return found


def matches(path: str, patterns: tuple[str, ...]) -> str:
    """Returns the first pattern that a path matches, else an empty string.

    `*/x/*` also matches a path that begins with `x/`.
    """
    for pattern in patterns:
        if fnmatchcase(path, pattern) or fnmatchcase(f"/{path}", pattern):
            return pattern
    return ""


def _judged(info: VariableInfo, known: Weights | None, kind: str, options: Options) -> VariableInfo:
    reason = _reason(info, known, kind, options)
    return VariableInfo(**{**vars(info), "prunable": not reason, "reason": reason})


def _reason(info: VariableInfo, known: Weights | None, kind: str, options: Options) -> str:
    """Returns why a variable is not pruned, or an empty string."""
    if not known:
        return f"unknown layer {info.layer}: call register_prunable({info.layer}, kernel=(...))"
    if kind in ("", "other"):
        return f"not a weight of {info.layer} that pruning knows"
    pattern = matches(info.path, tuple(options.exclude))
    reasons = {
        f"excluded by {pattern!r}": bool(pattern),
        "not among include": options.include and not matches(info.path, tuple(options.include)),
        "biases=False": kind == "bias" and not options.biases,
        "norms=False": kind == "norm" and not options.norms,
        "embeddings=False": kind == "embedding" and not options.embeddings,
        "output=False": info.output and not options.output,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _owners(model: keras.Layer) -> dict[int, tuple[keras.Layer, str]]:
    """Returns by layer the one that holds its masks, and the path from there.

    That is the layer itself, or the outermost layer around it that reads its weights directly.
    """
    owners: dict[int, tuple[keras.Layer, str]] = {}
    heads: list[tuple[str, keras.Layer]] = []
    for path, layer in paths.layer_paths(model):
        while heads and not _within(path, heads[-1][0]):
            heads.pop()
        if heads:
            head_path, head = heads[-1]
            owners[id(layer)] = head, path[len(head_path) :].strip("/")
            continue
        owners[id(layer)] = layer, ""
        known = prunable_weights(layer)
        if known and known.subtree:
            heads.append((path, layer))
    return owners


def _within(path: str, head: str) -> bool:
    return not head or path.startswith(f"{head}/")


def options_from(**kwargs: Any) -> MaskOptions:
    """Returns options with patterns given as a string or any sequence."""
    for name, value in kwargs.items():
        if name in ("include", "exclude"):
            kwargs[name] = checks.patterns(value, name)
        elif name == "output_layer":
            checks.text(value, name)
        else:
            checks.truth(value, name)
    return MaskOptions(**kwargs)
