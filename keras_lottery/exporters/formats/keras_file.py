"""Keras' own `.keras` file of the stripped model, deflated."""

import shutil
import zipfile
from pathlib import Path
from typing import Any

from keras_lottery.exporters.exporter import Arrays, Exporter, Loaded, Request, Subject
from keras_lottery.exporters.signature import Signature
from keras_lottery.exporters.subprocess.archive import load_archive, loading, save_archive


class KerasFile(Exporter):
    """Written by Keras on any backend, and loaded with the same one."""

    suffix = ".keras"
    writers = ()
    runtime = "keras"

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        folder = artifact.with_name(f"stored-{artifact.stem}")
        save_archive(model, folder)
        _deflate(folder, artifact)
        shutil.rmtree(folder)

    def reading(self, subject: Subject, artifact: Path) -> Request:
        return loading(subject.model, artifact) | {"signature": subject.signature.as_json()}

    def load(self, artifact: Path, request: Request) -> Loaded:
        import keras

        from keras_lottery import masking
        from keras_lottery.exporters.verify import answers

        model = load_archive(request)
        signature = Signature.from_json(request["signature"])

        def call(inputs: Arrays) -> Arrays:
            return answers(model, signature, inputs)

        return Loaded(
            call,
            lambda: (
                (path, keras.ops.convert_to_numpy(variable.value))
                for path, variable in masking.variables(model).items()
            ),
        )


def _deflate(folder: Path, artifact: Path) -> None:
    """Compresses what Keras wrote into a folder; it stores the entries of a file as they are."""
    with zipfile.ZipFile(artifact, "w", zipfile.ZIP_DEFLATED) as target:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                target.write(path, path.relative_to(folder))


exporter = KerasFile()
