"""The interface of export formats, and the formats by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.signature import Signature
from keras_lottery.registry import Registry


@dataclass(frozen=True)
class Subject:
    """The model to export, and the outputs that the artifact must reproduce.

    Args:
        model: the plain Keras model.
        signature: names, shapes and types of its inputs, and their structure.
        inputs: the batch on which model and artifact are compared, by input name.
        outputs: the model's outputs for it on the current backend, by output name.
    """

    model: Any
    signature: Signature
    inputs: dict[str, NDArray[Any]]
    outputs: dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Reloaded:
    """An artifact's outputs and variables, read in a fresh process.

    Args:
        outputs: its outputs for the subject's inputs, by output name.
        variables: its variables.
    """

    outputs: dict[str, NDArray[Any]]
    variables: tuple[StoredVariable, ...]


class Exporter(Protocol):
    """An export format.

    Args:
        suffix: required suffix of the artifact's name; empty for a folder.
    """

    suffix: str

    def write(self, subject: Subject, folder: Path) -> Path:
        """Writes the artifact somewhere in the temporary `folder` and returns its path."""
        ...

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        """Loads the artifact in a separate process and runs it on the subject's inputs."""
        ...


exporters: Registry[Exporter] = Registry("export format")
exporters.register_lazily("saved_model", "keras_lottery.exporters.formats.saved_model:exporter")
exporters.register_lazily("keras", "keras_lottery.exporters.formats.keras_file:exporter")
exporters.register_lazily("policy", "keras_lottery.exporters.formats.policy:exporter")
