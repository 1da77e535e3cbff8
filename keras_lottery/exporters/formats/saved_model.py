"""The TensorFlow SavedModel, without duplicate variables, from any backend."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_lottery.exporters.exporter import Arrays, Exporter, Loaded, Request
from keras_lottery.exporters.signature import Signature, named


class SavedModel(Exporter):
    """A plain `tf.Module` that owns each variable once.

    Keras' own export stores every variable twice on the TensorFlow backend, and fails on torch.

    Args of the loaded module: `serve` has the arguments and outputs of the model; the signature
    `serving_default` has named inputs and outputs. `weights` maps structural paths to variables,
    and `state` has the other variables that a call reads, such as the seed of a layer that is
    random at inference.
    """

    packages = (("tensorflow", "export"),)
    runtime = "tensorflow"

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        import tensorflow as tf

        from keras_lottery import masking

        module = tf.Module()
        module.weights = {path: v.value for path, v in masking.variables(model).items()}
        module.tables = tables(model)
        save_module(
            module,
            lambda *arguments: model(*arguments, training=False),
            signature,
            artifact,
            owned=module.weights.values(),
        )

    def load(self, artifact: Path, request: Request) -> Loaded:
        module = load_module(artifact)
        return Loaded(
            served(module),
            lambda: ((path, np.asarray(v.value())) for path, v in sorted(module.weights.items())),
        )


def tables(model: Any) -> list[Any]:
    """Returns the look-up tables of a model's layers, which an exported call can't create."""
    import tensorflow as tf

    parts = tf.train.TrackableView(model).descendants()
    return [
        part for part in parts if isinstance(part, tf.saved_model.experimental.TrackableResource)
    ]


def save_module(
    module: Any, call: Callable[..., Any], signature: Signature, folder: Path, owned: Any
) -> None:
    """Writes `module` with `call` as `serve` and as the signature `serving_default`.

    Args:
        module: a `tf.Module` with the variables and tables.
        call: from the model's positional arguments to its outputs.
        signature: the model's inputs.
        folder: the folder to write.
        owned: the module's variables; others that the call reads become `state`.
    """
    import tensorflow as tf

    @tf.function(autograph=False)
    def serve(*arguments: Any) -> Any:
        return call(*arguments)

    @tf.function(autograph=False)
    def by_name(**inputs: Any) -> dict[str, Any]:
        outputs = named(serve(*signature.bind(inputs)), "output")
        # A separate node, in case an input is passed through.
        return {name: tf.identity(value) for name, value in outputs.items()}

    specs = {i.name: tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in signature.inputs}
    module.serve = serve
    graph = serve.get_concrete_function(*signature.bind(specs)).graph
    known = {id(variable) for variable in owned}
    module.state = [variable for variable in graph.variables if id(variable) not in known]
    default = by_name.get_concrete_function(**specs)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": default})


def load_module(folder: Path) -> Any:
    """Loads a SavedModel with only TensorFlow."""
    import tensorflow as tf

    return tf.saved_model.load(str(folder))


def served(module: Any) -> Callable[[Arrays], Arrays]:
    """Returns the signature `serving_default` of a loaded module, on arrays."""
    import tensorflow as tf

    serve = module.signatures["serving_default"]
    _, wanted = serve.structured_input_signature

    def call(inputs: Arrays) -> Arrays:
        tensors = {n: tf.constant(value, dtype=wanted[n].dtype) for n, value in inputs.items()}
        return {name: value.numpy() for name, value in serve(**tensors).items()}

    return call


exporter = SavedModel()
