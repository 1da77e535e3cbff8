"""The TensorFlow SavedModel, of plain size, from whatever backend trained."""

import importlib.util
from pathlib import Path

from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.export.archive import loading, save_archive
from keras_lottery.export.child import run_child
from keras_lottery.export.exporter import Reloaded, Subject
from keras_lottery.export.reason import reason_of
from keras_lottery.export.reload import reload_in_child

_TRACEABLE = "a model that TensorFlow can load and trace"


class SavedModelExporter:
    """Writes and reads in child processes on the TensorFlow backend.

    Keras' own export holds every variable twice when TensorFlow is the backend, and fails from
    torch; a plain `tf.Module` that owns each variable once does neither.
    """

    suffix = ""

    def write(self, subject: Subject, folder: Path) -> Path:
        """Writes `folder/artifact`.

        Raises:
            MissingExtraError: TensorFlow is not installed.
            LotteryError: TensorFlow cannot load or trace the model.
        """
        from keras_lottery import backend

        if importlib.util.find_spec("tensorflow") is None:
            raise MissingExtraError("tensorflow", "export")
        archive, artifact = folder / "model.keras", folder / "artifact"
        try:
            save_archive(subject.model, archive)
            request = loading(subject.model, archive)
        except LotteryError:
            if backend.name() != "tensorflow":
                raise
            _write_here(subject, artifact)
            return artifact
        request |= {"signature": subject.signature.as_json(), "artifact": str(artifact)}
        module = "keras_lottery.export.tensorflow_write"
        run_child(module, request, folder, "tensorflow", _TRACEABLE)
        return artifact

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        """Loads the SavedModel with TensorFlow alone and runs its signature."""
        return reload_in_child(
            "keras_lottery.export.tensorflow_read",
            subject,
            artifact,
            folder,
            backend="tensorflow",
            expected="a SavedModel that TensorFlow can load and run",
        )


def _write_here(subject: Subject, artifact: Path) -> None:
    """Writes without a child: the classes of a script or a notebook are in no other process."""
    from keras_lottery.export.tensorflow_write import write_saved_model

    try:
        write_saved_model(subject.model, subject.signature, artifact)
    except OSError:
        raise
    except Exception as error:  # whatever the user's layers raise while they are traced
        raise LotteryError(
            f"Expected {_TRACEABLE}. Received: {reason_of(error)} Nothing was written; use "
            "operations of keras.ops in its layers."
        ) from error


exporter = SavedModelExporter()
