"""Which training of which run a file belongs to, written into it and compared when it is read."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_lottery.config import Config, digest
from keras_lottery.errors import LotteryError, shortened
from keras_lottery.records import KEY
from keras_lottery.types import Training

TICKET, TRAINED, REWIND = "ticket", "trained", "rewind"


def provenance(config: Config, training: Training, kind: str) -> dict[str, Any]:
    """Returns what a file says of where it came from.

    Args:
        config: of the run; its hash is named.
        training: of which the file is.
        kind: `ticket`, `trained` or `rewind`.
    """
    key = {name: getattr(training, name) for name in KEY}
    return {"experiment": config.name, "run": digest(config), "kind": kind, **key}


def check_provenance(file: Path, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Checks that a file is of the training that it stands for.

    What older versions didn't write is not compared; they named no run.

    Args:
        file: the file, for the error.
        found: the provenance that it holds.
        expected: values by name; those that are None are not compared.

    Raises:
        LotteryError: it is of another training, kind or run.
    """
    for name, value in expected.items():
        if name == "seed" and "run" not in found:
            continue  # older tickets named the seed of the start there
        if value is not None and name in found and found[name] != value:
            raise LotteryError(
                f"Expected {file} to be of {name} {shortened(str(value))}. Received: "
                f"{shortened(str(found[name]))}. Put the right file back, or start the run again "
                "in another folder."
            )
