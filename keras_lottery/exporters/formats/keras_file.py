"""Keras' own `.keras` file of the stripped model, deflated."""

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
        stored = artifact.with_name(f"stored-{artifact.name}")
        save_archive(model, stored)
        _deflate(stored, artifact)
        stored.unlink()

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


def _deflate(stored: Path, artifact: Path) -> None:
    """Compresses the entries of a `.keras` file, which Keras stores as they are."""
    with (
        zipfile.ZipFile(stored) as source,
        zipfile.ZipFile(artifact, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.infolist():
            with (
                source.open(entry) as read,
                target.open(entry.filename, "w", force_zip64=True) as write,
            ):
                while block := read.read(1 << 20):
                    write.write(block)


exporter = KerasFile()
