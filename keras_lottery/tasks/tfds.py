"""Data sets of tensorflow-datasets; TensorFlow is imported only here, to read them."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_lottery import backend
from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError, MissingExtraError, reason_of

SHOWN = 8
_NAME = r"\w+(/\w[\w.-]*){0,2}"


def prepared_builder(
    name: str, place: str, download: bool = False, splits: Sequence[str] = ()
) -> Any:
    """Returns the builder of a prepared data set; downloads it only if `download` is True.

    Args:
        name: in tensorflow-datasets, e.g. `mnist`, `glue/sst2` or `wmt14_translate/de-en`.
        place: folder of the prepared data sets; empty: tensorflow-datasets' default.
        download: prepare it if it isn't there.
        splits: required splits.

    Raises:
        LotteryError: it isn't there, is damaged, can't be downloaded, or lacks a split.
        MissingExtraError: tensorflow-datasets is not installed.
    """
    if not re.fullmatch(_NAME, name):
        raise LotteryError(
            "Expected the name of a data set of tensorflow-datasets, such as mnist or glue/sst2. "
            f"Received: {name!r}. Correct data.name."
        )
    builder = _builder(name, place, download)
    for split in splits:
        if split not in builder.info.splits:
            raise LotteryError(
                f"Expected the split {split!r} of {name} in {builder.data_path}. "
                f"Received: {', '.join(builder.info.splits) or 'none'}. "
                "Prepare the data set again."
            )
    return builder


def _builder(name: str, place: str, download: bool) -> Any:
    root = _root(place)
    if not root.is_dir() and not download:
        raise LotteryError(
            f"Expected the folder of prepared data sets. Received: {root}, which is not there. "
            f"Set data.dir to the folder that holds {name}/, or data.download=True."
        )
    versions = _versions(name, root)
    if not versions and not download:
        there = sorted(p.name for p in root.iterdir() if p.is_dir())
        there = [*there[:SHOWN], "..."] if len(there) > SHOWN else there
        raise LotteryError(
            f"Expected the data set {name!r} as tensorflow-datasets prepares it, in {root}. "
            f"Received: {', '.join(there) or 'an empty folder'}. "
            "Set data.dir to its folder, or data.download=True."
        )
    tfds = _tensorflow_datasets()
    if versions:
        with reading(versions[-1]):
            return tfds.builder_from_directory(versions[-1])
    try:
        builder = tfds.builder(name, data_dir=root)
        builder.download_and_prepare()
    except Exception as error:  # of the network, the server, the disk or the data set's code
        raise LotteryError(
            f"Expected the data set {name!r} to be downloaded to {root}. Received: "
            f"{type(error).__name__}: {reason_of(error)} Check data.name and the network, or "
            "prepare it on another machine and set data.dir."
        ) from error
    return builder


@contextmanager
def reading(folder: object) -> Iterator[None]:
    """Blames the folder of a prepared data set for what reading it raises.

    Raises:
        LotteryError: something was raised.
    """
    try:
        yield
    except (LotteryError, MemoryError):
        raise
    except Exception as error:  # TensorFlow, protobuf and JSON each have their own
        raise LotteryError(
            f"Expected a whole data set in {folder}. Received: {type(error).__name__}: "
            f"{reason_of(error)} Prepare it again, or copy it again."
        ) from error


def prepared_folder(name: str, place: str) -> Path | None:
    """Returns the folder of the newest prepared version, or None, without any import."""
    versions = _versions(name, _root(place))
    return versions[-1] if versions else None


def _root(place: str) -> Path:
    named = place or os.environ.get("TFDS_DATA_DIR") or "~/tensorflow_datasets"
    return file_path(named, "data.dir")


def _versions(name: str, root: Path) -> list[Path]:
    folders = (info.parent for info in root.glob(f"{name}/**/dataset_info.json"))
    return sorted(folders, key=_version)


def _version(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in folder.name.split("."))


def _tensorflow_datasets() -> Any:
    """Returns the package, keeping TensorFlow off the devices of another backend."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        import tensorflow as tf
    except ImportError as error:
        raise MissingExtraError("tensorflow", "data") from error
    try:
        import tensorflow_datasets as tfds
    except ImportError as error:
        raise MissingExtraError("tensorflow-datasets", "data") from error
    if backend.name() != "tensorflow":
        tf.config.set_visible_devices([], "GPU")
    return tfds
