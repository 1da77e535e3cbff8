"""Keras' own `.keras` file of the stripped model."""

import dataclasses
from pathlib import Path

from keras_lottery.exporters.exporter import Reloaded, Subject
from keras_lottery.exporters.signature import Signature
from keras_lottery.exporters.subprocess.archive import load_archive, loading, save_archive
from keras_lottery.exporters.subprocess.child import (
    Request,
    load_arrays,
    reload_in_child,
    save_arrays,
)
from keras_lottery.exporters.verify import answers, stored_variables


class KerasExporter:
    """Writes with Keras, reloads in a child process on the same backend."""

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
            f"{__name__}:read",
            subject,
            artifact,
            folder,
            backend=backend.name(),
            expected="a .keras file that Keras can load and run",
            extra=loading(subject.model, artifact) | {"signature": subject.signature.as_json()},
        )


def read(request: Request) -> Request:
    """Runs `artifact` on `inputs`, writes `outputs`, and returns the variables."""
    model = load_archive(request)
    signature = Signature.from_json(request["signature"])
    outputs = answers(model, signature, load_arrays(Path(request["inputs"])))
    save_arrays(Path(request["outputs"]), outputs)
    return {"variables": [dataclasses.asdict(variable) for variable in stored_variables(model)]}


exporter = KerasExporter()
