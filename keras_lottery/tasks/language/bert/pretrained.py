"""A pre-trained BERT: its sizes, its weights by path, and its tokenizer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras

from keras_lottery import masking
from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.types import Weights

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "model.weights.h5",
            "model.weights.json")  # fmt: skip
_SIZES = ("vocabulary_size", "num_layers", "num_heads", "hidden_dim", "intermediate_dim",
          "max_sequence_length", "num_segments")  # fmt: skip


@dataclass(frozen=True)
class Pretrained:
    """The starting point of fine-tuning.

    Args:
        sizes: arguments of KerasHub's `BertBackbone`.
        weights: of the backbone, by path within it; empty: initialized from the seed.
        tokenizer: KerasHub's; None if no text is read.
    """

    sizes: Mapping[str, int]
    weights: Weights = field(default_factory=dict)
    tokenizer: Any = None

    def backbone(self, dropout: float) -> keras.Model:
        """Returns a new, randomly initialized network of these sizes."""
        return keras_hub().models.BertBackbone(**self.sizes, dropout=dropout, name="bert_backbone")


def keras_hub() -> Any:
    """Returns the package.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        import keras_hub as package
    except ImportError as error:
        raise MissingExtraError("keras-hub", "nlp") from error
    return package


def load(preset: str, place: str = "") -> Pretrained:
    """Reads a pre-trained BERT.

    Args:
        preset: a folder, or the name of a KerasHub preset.
        place: where the folder is looked for first.

    Raises:
        LotteryError: there is no such preset, it isn't a BERT, or one of its files is missing.
        MissingExtraError: KerasHub is not installed.
    """
    folder = _folder(preset, place)
    if folder is not None:
        _check(folder)
    models = keras_hub().models
    source = str(folder) if folder else preset
    try:
        backbone = models.BertBackbone.from_preset(source)
        tokenizer = _tokenizer(folder) or models.BertTokenizer.from_preset(source)
    except LotteryError:
        raise
    except Exception as error:  # downloads and files that don't fit raise many types
        reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
        raise LotteryError(
            f"Expected a folder or a preset of KerasHub with a pre-trained BERT. Received: "
            f"{preset!r} ({type(error).__name__}: {reason}). Set model.preset."
        ) from error
    config = backbone.get_config()
    sizes = {name: int(config[name]) for name in _SIZES}
    return Pretrained(sizes, masking.get_weights(backbone), tokenizer)


def _folder(preset: str, place: str) -> Path | None:
    """Returns the folder that a preset names; None if it looks like a KerasHub name."""
    for named in (Path(place, preset), Path(preset)):
        if (path := file_path(named, "model.preset")).is_dir():
            return path
    if "://" not in preset and ("/" in preset or preset.startswith((".", "~"))):
        raise LotteryError(
            f"Expected the folder of a pre-trained BERT. Received: {preset}, which is not there. "
            "Set model.preset (and data.dir)."
        )
    return None


def _check(folder: Path) -> None:
    """Raises LotteryError if a folder lacks files of a pre-trained network."""
    there = sorted(path.name for path in folder.iterdir())
    shown = ", ".join(there[:8]) or "an empty folder"
    if "config.json" not in there:
        raise LotteryError(
            f"Expected config.json in the preset folder {folder}. Received: {shown}. "
            "Set model.preset to the folder of a pre-trained BERT."
        )
    if not set(_WEIGHTS) & set(there):
        raise LotteryError(
            f"Expected the weights of the preset in {folder} ({', '.join(_WEIGHTS[:3:2])}). "
            f"Received: {shown}. Copy them there: tickets start from pre-trained weights."
        )


def _tokenizer(folder: Path | None) -> Any:
    """Returns the tokenizer of a folder in Hugging Face's layout; None for any other preset."""
    if folder is None or "model_type" not in json.loads((folder / "config.json").read_text()):
        return None
    vocabulary = folder / "vocab.txt"
    if not vocabulary.is_file():
        raise LotteryError(
            f"Expected the vocabulary of the preset in {vocabulary}. Received: no such file. "
            "Copy it there."
        )
    options = folder / "tokenizer_config.json"
    lowercase = (
        json.loads(options.read_text()).get("do_lower_case", True) if (options.is_file()) else True
    )
    return keras_hub().models.BertTokenizer(str(vocabulary), lowercase=bool(lowercase))
