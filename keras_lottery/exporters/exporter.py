"""What a format must offer, and the formats by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.signature import Signature
from keras_lottery.registry import Registry


@dataclass(frozen=True)
class Subject:
    """What is exported, and what the artifact has to give back.

    Args:
        model: the plain Keras model.
        signature: names, shapes and types of its inputs, and their structure.
        inputs: the batch on which model and artifact are compared, by input name.
        outputs: what the model answers to it on the backend in use, by output name.
    """

    model: Any
    signature: Signature
    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Reloaded:
    """What a fresh process found in an artifact.

    Args:
        outputs: its answer to the inputs of the subject, by output name.
        variables: what it holds.
    """

    outputs: dict[str, NDArray[Any]]
    variables: tuple[StoredVariable, ...]


class Exporter(Protocol):
    """One format.

    Args:
        suffix: how the artifact's name must end; empty for a folder.
    """

    suffix: str

    def write(self, subject: Subject, folder: Path) -> Path:
        """Writes the artifact somewhere in the temporary `folder` and returns its path."""
        ...

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        """Loads the artifact in a process of its own and runs it on the subject's inputs."""
        ...


exporters: Registry[Exporter] = Registry("export format")
exporters.register_lazily("saved_model", "keras_lottery.exporters.formats.saved_model:exporter")
exporters.register_lazily("keras", "keras_lottery.exporters.formats.keras_file:exporter")
exporters.register_lazily("policy", "keras_lottery.exporters.formats.policy:exporter")
