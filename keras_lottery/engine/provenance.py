"""Provenance of a file: its run and training, written into it and checked on reading."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_lottery.config import Config, digest
from keras_lottery.errors import LotteryError, shortened
from keras_lottery.records import KEY
from keras_lottery.types import Training

TICKET, TRAINED, REWIND = "ticket", "trained", "rewind"


def provenance(config: Config, training: Training, kind: str) -> dict[str, Any]:
    """Returns the provenance of a file.

    Args:
        config: config of the run, identified by its hash.
        training: training that the file belongs to.
        kind: `ticket`, `trained` or `rewind`.
    """
    key = {name: getattr(training, name) for name in KEY}
    return {"experiment": config.name, "run": digest(config), "kind": kind, **key}


def check_provenance(file: Path, stored: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Checks that a file belongs to the expected training.

    Keys that older versions didn't write are not compared; they named no run.

    Args:
        file: the file, for the error.
        stored: the provenance in the file.
        expected: values by name; None values are not compared.

    Raises:
        LotteryError: it belongs to another training, kind or run.
    """
    for name, value in expected.items():
        if name == "seed" and "run" not in stored:
            continue  # older tickets stored the seed of the start there
        if value is not None and name in stored and stored[name] != value:
            raise LotteryError(
                f"Expected {file} to have {name} {shortened(str(value))} in its provenance. "
                f"Received: {shortened(str(stored[name]))}. Put the right file back, or start the "
                "run again in another folder."
            )
