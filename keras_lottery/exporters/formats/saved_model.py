"""The TensorFlow SavedModel, without duplicate variables, from any backend."""

import dataclasses
import importlib.util
from pathlib import Path
from typing import Any

from keras_lottery.errors import LotteryError, MissingExtraError, reason_of
from keras_lottery.exporters.exporter import Reloaded, Subject
from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.signature import Signature, named
from keras_lottery.exporters.subprocess.archive import load_archive, loading, save_archive
from keras_lottery.exporters.subprocess.child import (
    Request,
    load_arrays,
    reload_in_child,
    run_child,
    save_arrays,
)

_TRACEABLE = "a model that TensorFlow can load and trace"


class SavedModelExporter:
    """Writes and reloads in child processes on the TensorFlow backend.

    Keras' own export stores every variable twice on the TensorFlow backend, and fails on torch; a
    plain `tf.Module` that owns each variable once does neither.
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
        run_child(f"{__name__}:write", request, folder, "tensorflow", _TRACEABLE)
        return artifact

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        """Loads the SavedModel with only TensorFlow and runs its signature."""
        return reload_in_child(
            f"{__name__}:read",
            subject,
            artifact,
            folder,
            backend="tensorflow",
            expected="a SavedModel that TensorFlow can load and run",
        )


def _write_here(subject: Subject, artifact: Path) -> None:
    """Writes without a child process, which can't import classes of a script or a notebook."""
    try:
        write_saved_model(subject.model, subject.signature, artifact)
    except OSError:
        raise
    except Exception as error:  # whatever the user's layers raise while they are traced
        raise LotteryError(
            f"Expected {_TRACEABLE}. Received: {reason_of(error)} Nothing was written; use "
            "operations of keras.ops in its layers."
        ) from error


def write(request: Request) -> Request:
    """Loads `archive` and writes `artifact`."""
    model = load_archive(request)
    write_saved_model(model, Signature.from_json(request["signature"]), Path(request["artifact"]))
    return {}


def write_saved_model(model: Any, signature: Signature, folder: Path) -> None:
    """Writes every variable of `model` once, with two callables.

    `serve` has the arguments and outputs of the model; the signature `serving_default` has named
    inputs and outputs. `weights` maps structural paths to variables, and `state` has the other
    variables that a call reads, such as the seed of a layer that is random at inference.
    """
    import tensorflow as tf

    from keras_lottery import masking

    module = tf.Module()
    module.weights = {path: v.value for path, v in masking.variables(model).items()}

    @tf.function(autograph=False)
    def serve(*arguments: Any) -> Any:
        return model(*arguments, training=False)

    @tf.function(autograph=False)
    def by_name(**inputs: Any) -> dict[str, Any]:
        outputs = named(serve(*signature.bind(inputs)), "output")
        # A separate node, in case an input is passed through.
        return {name: tf.identity(value) for name, value in outputs.items()}

    specs = {i.name: tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in signature.inputs}
    module.serve = serve
    graph = serve.get_concrete_function(*signature.bind(specs)).graph
    owned = {id(variable) for variable in module.weights.values()}
    module.state = [variable for variable in graph.variables if id(variable) not in owned]
    default = by_name.get_concrete_function(**specs)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": default})


def read(request: Request) -> Request:
    """Runs `artifact` on `inputs`, writes `outputs`, and returns the variables."""
    import tensorflow as tf

    module = tf.saved_model.load(request["artifact"])
    serve = module.signatures["serving_default"]
    _, wanted = serve.structured_input_signature
    inputs = {
        name: tf.constant(value, dtype=wanted[name].dtype)
        for name, value in load_arrays(Path(request["inputs"])).items()
    }
    save_arrays(Path(request["outputs"]), {k: v.numpy() for k, v in serve(**inputs).items()})
    stored = [StoredVariable.of(path, v.numpy()) for path, v in sorted(module.weights.items())]
    return {"variables": [dataclasses.asdict(variable) for variable in stored]}


exporter = SavedModelExporter()
