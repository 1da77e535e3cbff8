"""A ticket: which weights are kept, what they start from, and where it came from."""

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from os import PathLike
from typing import Any

import numpy as np

from keras_lottery import checks
from keras_lottery.errors import LotteryError, printable, shortened, unknown_name
from keras_lottery.patterns import check_matches, matches
from keras_lottery.tickets import hub
from keras_lottery.tickets.card import card
from keras_lottery.tickets.state import Stored, load_metadata, no_metadata, read_stored, save_state
from keras_lottery.types import MaskSet, State, Weights

FORMAT = 1
_MOST_DIMENSIONS = 64  # NumPy's
_PRESETS = "presets_tickets"
_ENDING = ".ticket.safetensors"
_SHOWN = ("seed", "round", "arm")
"""What `repr` shows of the provenance."""


@dataclass(frozen=True, eq=False)
class Ticket:
    """A mask set and the weights it starts from.

    In the file, `mask/<path>` is uint8: `numpy.packbits` of the mask, C order, little bit order.
    `start/<path>` and `fill/<path>` are plain arrays. The metadata key `keras_lottery` is JSON:
    `format`, `shapes` (of the masks), `provenance` and `checksums`.

    Args:
        masks: True = kept, by path.
        start: value of every variable of the model, by path.
        fills: fixed nonzero values of pruned weights, by path.
        provenance: where it came from, as JSON values.

    Raises:
        LotteryError: a mask has no start value, or values other than 0 and 1, or shapes differ.

    Example:
        >>> ticket = Ticket.load("winning.ticket.safetensors")
        >>> masks, weights = ticket.fit({"kernel": (784, 300)}, exclude=("*/output/*",))
    """

    masks: MaskSet
    start: Weights
    fills: Weights = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("masks", "start", "fills", "provenance"):
            checks.instance(getattr(self, name), Mapping, name)  # type: ignore[type-abstract]
        masks = {path: checks.mask(mask, path) for path, mask in self.masks.items()}
        object.__setattr__(self, "masks", masks)
        for kind, arrays in (("mask", self.masks), ("fill", self.fills)):
            for path, array in sorted(arrays.items()):
                if path not in self.start:
                    raise LotteryError(
                        f"Expected a start value for each {kind} of a ticket. "
                        f"Received: none for {path}. Include every variable in start."
                    )
                if np.shape(array) != np.shape(self.start[path]):
                    raise LotteryError(
                        f"Expected {kind} and start of {path} to have the same shape. Received: "
                        f"{np.shape(array)} and {np.shape(self.start[path])}. "
                        "Take both from one model."
                    )

    def __repr__(self) -> str:
        kept = sum(int(np.count_nonzero(mask)) for mask in self.masks.values())
        size = sum(int(np.size(mask)) for mask in self.masks.values())
        made = (f"{key} {self.provenance[key]}" for key in _SHOWN if key in self.provenance)
        weights = f"{kept:,} of {size:,} weights kept" + (f" ({kept / size:.1%})" if size else "")
        masks = "1 mask" if len(self.masks) == 1 else f"{len(self.masks)} masks"
        return printable(f"Ticket({', '.join([weights, masks, *made])})")

    def save(self, path: str | PathLike[str]) -> None:
        """Writes the ticket atomically; equal tickets give equal bytes."""
        path = checks.file_path(path, "path")
        arrays: State = {f"start/{p}": np.asarray(value) for p, value in self.start.items()}
        arrays |= {f"fill/{p}": np.asarray(value) for p, value in self.fills.items()}
        for p, mask in self.masks.items():
            arrays[f"mask/{p}"] = np.packbits(np.asarray(mask, np.bool_), bitorder="little")
        shapes = {p: list(mask.shape) for p, mask in self.masks.items()}
        save_state(
            path, arrays, {"format": FORMAT, "shapes": shapes, "provenance": dict(self.provenance)}
        )

    def push(
        self, place: str, *, private: bool = False, message: str = "Upload a lottery ticket"
    ) -> str:
        """Uploads the ticket and a generated card to the Hugging Face Hub.

        The card has the ticket's sparsity, its provenance and how to apply it. Needs the extra
        `hub`, and a token from `hf auth login`.

        Args:
            place: `hf://user/name`; the repository is created if there is none.
            private: whether a new repository is private.
            message: message of the commit.

        Returns:
            The address of the commit.

        Raises:
            LotteryError: the place has another form, or the Hub refuses the upload.
        """
        checks.text(place, "place"), checks.truth(private, "private")
        return hub.upload(place, self.save, card(self, place), private, message)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> "Ticket":
        """Returns the ticket in the file `path`.

        Raises:
            LotteryError: the file is missing, truncated, changed, not a ticket, or of a later
                format.
        """
        path = checks.file_path(path, "path")
        stored = read_stored(path)
        metadata = _ticket_metadata(path, stored)
        provenance = metadata.get("provenance") or {}
        if not isinstance(provenance, dict):
            raise _garbled(path, "its provenance is not a JSON object")
        if not stored.is_checked and "run" in provenance:  # `run` always comes with checksums
            raise _garbled(path, "its checksums are missing")
        if not stored.is_checked:
            warnings.warn(
                f"The ticket {printable(os.path.basename(path))} was written by an older version, "
                "without checksums, so damage can't be detected. Save it again.",
                stacklevel=2,
            )
        masks = _masks(path, metadata, stored.arrays)
        start, fills = _under("start/", stored.arrays), _under("fill/", stored.arrays)
        try:
            return cls(masks, start, fills, provenance)
        except LotteryError as error:
            raise _garbled(path, str(error)) from error

    @staticmethod
    def load_masks(path: str | PathLike[str]) -> MaskSet:
        """Returns the masks in the file `path`, without reading the start weights.

        Raises:
            LotteryError: see `load`.
        """
        path = checks.file_path(path, "path")
        stored = read_stored(path, "mask/")
        return _masks(path, _ticket_metadata(path, stored), stored.arrays)

    @classmethod
    def from_preset(cls, name: str) -> "Ticket":
        """Returns a ticket that ships with the package, or one from the Hugging Face Hub.

        Args:
            name: a name that `keras-lottery tickets` lists, or `hf://user/name`, optionally with
                `@revision`; the latter needs the extra `hub`.

        Raises:
            LotteryError: the name is unknown, or the Hub can't be reached.
        """
        if isinstance(name, str) and name.startswith(hub.SCHEME):
            return cls.load(hub.fetch(name))
        folder = files("keras_lottery") / _PRESETS
        known = preset_names()
        if name not in known:
            raise unknown_name("ticket preset", name, known)
        with as_file(folder / f"{name}{_ENDING}") as path:
            return cls.load(path)

    def fit(
        self,
        shapes: Mapping[str, tuple[int, ...]],
        exclude: Sequence[str] = (),
        strict: bool = True,
    ) -> tuple[MaskSet, Weights]:
        """Returns the masks and start values for a model's variables.

        Excluded variables are in neither: they keep the model's own weights and an all-ones mask.

        Args:
            shapes: shape of every variable of the model, by path.
            exclude: path patterns of variables of the model or the ticket to skip.
            strict: raise if a variable doesn't fit; otherwise skip it.

        Raises:
            LotteryError: variables, named in the message, don't fit, or a pattern matches nothing.
        """
        exclude, strict = checks.patterns(exclude, "exclude"), checks.truth(strict, "strict")
        checks.instance(shapes, Mapping, "shapes")  # type: ignore[type-abstract]
        check_matches("exclude", exclude, [(p,) for p in {**shapes, **self.start}])
        out = {p for p in [*shapes, *self.start] if matches((p,), exclude)}
        fits = {p for p, shape in shapes.items() if self._shape(p) == tuple(shape)} - out
        if strict:
            self._check_fit(shapes, fits | out)
        masks = {p: mask for p, mask in sorted(self.masks.items()) if p in fits}
        return masks, {p: value for p, value in sorted(self.start.items()) if p in fits}

    def _shape(self, path: str) -> tuple[int, ...] | None:
        return np.shape(self.start[path]) if path in self.start else None

    def _check_fit(self, shapes: Mapping[str, tuple[int, ...]], settled: set[str]) -> None:
        problems = []
        for path in sorted((shapes.keys() | self.start.keys()) - settled):
            model = tuple(shapes[path]) if path in shapes else "not there"
            ticket = self._shape(path) or ("not there" if path not in self.start else ())
            problems.append(f"{path} (model: {model}, ticket: {ticket})")
        if problems:
            raise LotteryError(
                "Expected a ticket that fits every variable of the model. Received: "
                f"{'; '.join(problems)}. Name them in exclude=, or pass strict=False."
            )


def preset_names() -> list[str]:
    """Returns the names that `Ticket.from_preset` takes."""
    folder = files("keras_lottery") / _PRESETS
    names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
    return sorted(name.removesuffix(_ENDING) for name in names if name.endswith(_ENDING))


def preset_facts() -> dict[str, dict[str, Any]]:
    """Returns the provenance of each ticket that ships with the package, by name."""
    folder = files("keras_lottery") / _PRESETS
    known = {}
    for name in preset_names():
        with as_file(folder / f"{name}{_ENDING}") as path:
            known[name] = load_metadata(path).get("provenance") or {}
    return known


def _ticket_metadata(path: str | PathLike[str], stored: Stored) -> dict[str, Any]:
    if stored.metadata is None:
        raise no_metadata(path)
    if (version := stored.metadata.get("format")) != FORMAT:
        raise LotteryError(
            f"Expected a ticket of format {FORMAT}. Received: {path} of format "
            f"{shortened(str(version)) if isinstance(version, str) else version!r:.80}. "
            "Read it with the version that wrote it."
        )
    return stored.metadata


def _masks(path: str | PathLike[str], metadata: dict[str, Any], arrays: State) -> MaskSet:
    shapes, bits = metadata.get("shapes"), _under("mask/", arrays)
    if not isinstance(shapes, dict) or shapes.keys() != bits.keys():
        raise _garbled(path, "the shapes in its metadata don't match its masks")
    return {p: _unpack(packed, shapes[p], path, p) for p, packed in sorted(bits.items())}


def _under(prefix: str, arrays: State) -> State:
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _unpack(packed: np.ndarray, shape: Any, file: str | PathLike[str], path: str) -> np.ndarray:
    """Returns the mask, after comparing its size with the number of bits."""
    size = math.prod(shape) if _is_shape(shape) else -1
    if packed.dtype != np.uint8 or packed.ndim != 1 or packed.size != -(-size // 8):
        raise _garbled(file, f"mask/{path} does not hold {str(shape)[:80]} bits")
    flat = np.unpackbits(packed, count=size, bitorder="little").view(np.bool_)
    try:
        return flat.reshape(shape)
    except ValueError as error:  # no elements, but sizes beyond NumPy's
        raise _garbled(file, f"mask/{path} has the shape {str(shape)[:80]}") from error


def _is_shape(shape: Any) -> bool:
    return (
        isinstance(shape, list)
        and len(shape) <= _MOST_DIMENSIONS
        and all(isinstance(n, int) and not isinstance(n, bool) and n >= 0 for n in shape)
    )


def _garbled(path: str | PathLike[str], why: str) -> LotteryError:
    return LotteryError(
        f"Expected a ticket file. Received: {path} ({why.rstrip('.')}). Create or copy it again."
    )
