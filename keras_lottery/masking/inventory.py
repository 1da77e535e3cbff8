"""A model's inventory, read once: every variable, and whether it can be pruned or why not."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import keras

from keras_lottery.masking import paths
from keras_lottery.masking.dense_chain import dense_chain
from keras_lottery.masking.learned import was_frozen_by_masks
from keras_lottery.masking.names import Names, names_of
from keras_lottery.masking.options import MaskOptions, Options, check_selection
from keras_lottery.masking.output_layer import output_layers
from keras_lottery.masking.prunable import Weights, input_axis, prunable_weights
from keras_lottery.patterns import matches
from keras_lottery.types import VariableInfo

__all__ = [
    "FROZEN",
    "LORA",
    "STATE",
    "Entry",
    "Inventory",
    "describe",
    "read_model",
]

Layers = Sequence[tuple[str, keras.Layer]]
"""Layers with their structural paths, the outermost first."""


STATE = "state"
"""Kind of a non-trainable variable, such as a moving mean."""

FROZEN = "frozen (trainable=False): name it in include"
LORA = "LoRA is enabled: merge it first, by kl.strip"


class Role(NamedTuple):
    """The layer whose table entry lists a variable, that entry, and the variable's kind in it."""

    layer: keras.Layer
    known: Weights | None
    kind: str


@dataclass(frozen=True)
class Entry:
    """A variable, its description, and the layer that holds its mask.

    Args:
        info: path, shape, kind, and whether it can be pruned or why not.
        variable: the variable.
        owner: the layer whose `call` applies the mask.
        name: path of the variable within its owner, e.g. `kernel` or `cell/kernel`.
        role: its entry in the table of layer classes.
        trained: True if an optimizer trains it, or would without learned masks.
    """

    info: VariableInfo
    variable: keras.Variable
    owner: keras.Layer
    name: str
    role: Role
    trained: bool


@dataclass(frozen=True)
class Inventory:
    """All variables of a model at one point in time, outer layers first.

    One walk over the layers reads it; everything else takes it as an argument. Variables that are
    neither in the table of layer classes nor trained have the kind `STATE`.
    """

    model: keras.Layer
    entries: tuple[Entry, ...]

    @property
    def infos(self) -> list[VariableInfo]:
        """Descriptions of all weights: every variable except states."""
        return [entry.info for entry in self.entries if entry.info.kind != STATE]

    @property
    def variables(self) -> dict[str, keras.Variable]:
        """The variables by path."""
        return paths.by_path((entry.info.path, entry.variable) for entry in self.entries)

    def under(self, options: Options) -> "Inventory":
        """Returns the same variables, marked prunable under other options.

        The output layers don't change.

        Raises:
            LotteryError: a pattern matches nothing.
        """
        if self.entries:  # a model without weights gets another error
            check_selection(options, [entry.info.places for entry in self.entries])
        return replace(self, entries=tuple(_marked(entry, options) for entry in self.entries))


def describe(model: keras.Layer, options: Options | None = None) -> list[VariableInfo]:
    """Returns every weight of a model, marked prunable or not under `options`.

    It lists the variables in the table of layer classes and every other trained variable, in the
    order of `variables`.

    Args:
        model: a built model or layer.
        options: `MaskOptions`, or a config's `PruneConfig`; None for the defaults.

    Raises:
        LotteryError: the model is not built, or a pattern matches nothing.
    """
    return read_model(model, options).infos


def read_model(model: keras.Layer, options: Options | None = None) -> Inventory:
    """Returns the inventory of a built model or layer, marked prunable or not under `options`.

    Raises:
        LotteryError: the model is not built, or a pattern matches nothing.
    """
    options = options or MaskOptions()
    paths.check_built(model)
    layers = list(paths.layer_paths(model))
    names = names_of(layers)
    outputs = output_layers(layers, names, getattr(options, "output_layer", ""))
    owners, roles = _owners(layers), _roles(layers)
    chain = dense_chain(model)
    trained = {id(v) for v in model.trainable_variables}
    entries = []
    for path, layer, attribute, variable in paths.named_variables(layers):
        role = _role(layer, attribute, roles.get(id(variable)))
        is_trained = id(variable) in trained or was_frozen_by_masks(variable)
        shape = tuple(int(n) for n in variable.shape)
        info = VariableInfo(
            path=path,
            shape=shape,
            kind=role.kind or ("other" if is_trained else STATE),
            layer=type(role.layer).__name__,
            group=role.known.group if role.known else "other",
            output=id(role.layer) in outputs,
            names=_names(path, names[id(layer)], attribute, names[id(role.layer)]),
            input_axis=input_axis(role.layer, role.kind, shape, attribute),
            chain=chain.get(id(role.layer)) if role.kind == "kernel" else None,
        )
        owner, prefix = owners[id(layer)]
        name = f"{prefix}/{attribute}" if prefix else attribute
        entries.append(Entry(info, variable, owner, name, role, is_trained))
    return Inventory(model, tuple(entries)).under(options)


def _role(layer: keras.Layer, attribute: str, elsewhere: Role | None) -> Role:
    known = prunable_weights(layer)
    kind = known.kinds.get(attribute, "") if known else ""
    return Role(layer, known, kind) if kind or elsewhere is None else elsewhere


def _roles(layers: Layers) -> dict[int, Role]:
    """Returns the role of each variable in the layer class that lists it, by variable `id`.

    A variable's path can belong to a wrapper: `SpectralNormalization` has the kernel of the layer
    that it wraps as an attribute.
    """
    roles: dict[int, Role] = {}
    for _, layer in layers:
        known = prunable_weights(layer)
        for attribute, kind in known.kinds.items() if known else ():
            variable = getattr(layer, attribute, None) if layer.built else None
            if isinstance(variable, keras.Variable):
                roles.setdefault(id(variable), Role(layer, known, kind))
    return roles


def _names(path: str, holder: Names, attribute: str, lister: Names) -> tuple[str, ...]:
    """Returns a variable's paths through named layers, and the names of those layers alone.

    Args:
        path: structural path of the variable.
        holder: names of the layer at that path.
        attribute: name of the variable in the holder.
        lister: names of the layer whose table entry lists the variable.
    """
    inner = path.removeprefix(holder.places[0]).strip("/")
    through = [f"{place}/{inner}" for place in holder.places[1:]]
    through += [f"{place}/{attribute}" for place in lister.places[1:]]
    return tuple(dict.fromkeys([*through, *holder.alone, *lister.alone]))


def _marked(entry: Entry, options: Options) -> Entry:
    never = _reason_for_no_mask(entry.info, entry.role)
    reason = never or _reason(entry.info, entry.trained, options)
    info = replace(entry.info, prunable=not reason, reason=reason, maskable=not never)
    return replace(entry, info=info)


def _reason_for_no_mask(info: VariableInfo, role: Role) -> str:
    """Returns why a variable can't have a mask under any options, or an empty string."""
    if getattr(role.layer, "lora_enabled", False):
        return LORA
    if info.kind == STATE:
        return "not trainable"
    if not role.known:
        return f"unknown layer {info.layer}: call register_prunable({info.layer}, kernel=(...))"
    if role.kind in ("", "other"):
        return f"not a prunable weight of {info.layer}"
    return ""


def _reason(info: VariableInfo, is_trained: bool, options: Options) -> str:
    """Returns why the options leave a variable dense, or an empty string."""
    only: frozenset[str] = getattr(options, "paths", frozenset())
    included = info.path in only or bool(matches(info.places, options.include))
    pattern = matches(info.places, options.exclude)
    reasons = {
        "not selected": bool(only) and info.path not in only,
        f"excluded by {pattern!r}": bool(pattern),
        "not matched by include": options.include and not included,
        "biases=False": info.kind == "bias" and not options.biases,
        "norms=False": info.kind == "norm" and not options.norms,
        "embeddings=False": info.kind == "embedding" and not options.embeddings,
        "output=False": info.output and not options.output,
        FROZEN: not is_trained and not included,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _owners(layers: Layers) -> dict[int, tuple[keras.Layer, str]]:
    """Returns the layer that holds the masks of each layer, and the path between the two.

    It is the layer itself, or the outermost layer around it that reads its weights directly.
    """
    owners: dict[int, tuple[keras.Layer, str]] = {}
    heads: list[tuple[str, keras.Layer]] = []
    for path, layer in layers:
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
