"""Keras' own `.keras` file of the stripped model."""

from pathlib import Path

from keras_lottery.export.archive import loading, save_archive
from keras_lottery.export.exporter import Reloaded, Subject
from keras_lottery.export.reload import reload_in_child


class KerasExporter:
    """Writes with Keras, reads in a child process on the same backend."""

    suffix = ".keras"

    def write(self, subject: Subject, folder: Path) -> Path:
        """Writes `folder/artifact.keras`."""
        artifact = folder / "artifact.keras"
        save_archive(subject.model, artifact)
        return artifact

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        """Loads the file with Keras and calls the model."""
        from keras_lottery import backend

        return reload_in_child(
            "keras_lottery.export.keras_read",
            subject,
            artifact,
            folder,
            backend=backend.name(),
            expected="a .keras file that Keras can load and run",
            extra=loading(subject.model, artifact) | {"signature": subject.signature.as_json()},
        )


exporter = KerasExporter()
