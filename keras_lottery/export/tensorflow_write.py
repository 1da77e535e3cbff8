"""Child process: turns a `.keras` file into a SavedModel that owns each variable once."""

from pathlib import Path
from typing import Any

from keras_lottery.export.archive import load_archive
from keras_lottery.export.child import Request, main
from keras_lottery.export.signature import Signature


def work(request: Request) -> Request:
    """Loads `archive` and writes `artifact`."""
    model = load_archive(request["archive"], request["custom_objects"])
    write_saved_model(model, Signature.from_json(request["signature"]), Path(request["artifact"]))
    return {}


def write_saved_model(model: Any, signature: Signature, folder: Path) -> None:
    """Writes the signature `serving_default` and every variable of `model`, each once.

    The module's `weights` maps structural paths to variables; `state` holds whatever else the
    call reads, such as the seed of a layer that is random when it serves.
    """
    import tensorflow as tf

    from keras_lottery import masking

    owned = {path: variable.value for path, variable in masking.variables(model).items()}

    @tf.function(autograph=False)
    def serve(**inputs: Any) -> dict[str, Any]:
        # One node per input, so that an input that is passed through keeps its own name.
        values = {name: tf.identity(value) for name, value in inputs.items()}
        return {k: tf.identity(v) for k, v in signature.call(model, values).items()}

    specs = {i.name: tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in signature.inputs}
    concrete = serve.get_concrete_function(**specs)
    module = tf.Module()
    module.weights = owned
    known = {id(variable) for variable in owned.values()}
    module.state = [v for v in concrete.graph.variables if id(v) not in known]
    tf.saved_model.save(module, str(folder), signatures={"serving_default": concrete})


if __name__ == "__main__":
    main(work)
