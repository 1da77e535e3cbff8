"""Child process: turns a `.keras` file into a SavedModel that owns each variable once."""

from pathlib import Path
from typing import Any

from keras_lottery.export.archive import load_archive
from keras_lottery.export.child import Request
from keras_lottery.export.signature import Signature, named


def work(request: Request) -> Request:
    """Loads `archive` and writes `artifact`."""
    model = load_archive(request)
    write_saved_model(model, Signature.from_json(request["signature"]), Path(request["artifact"]))
    return {}


def write_saved_model(model: Any, signature: Signature, folder: Path) -> None:
    """Writes every variable of `model` once, and two ways to call it.

    `serve` takes and returns what the model does; the signature `serving_default` takes inputs
    and returns outputs by name. `weights` maps structural paths to variables, and `state` holds
    what else a call reads, such as the seed of a layer that is random when it serves.
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
        # A node of its own, for where an input is passed through.
        return {name: tf.identity(value) for name, value in outputs.items()}

    specs = {i.name: tf.TensorSpec(i.shape, i.dtype, name=i.name) for i in signature.inputs}
    module.serve = serve
    graph = serve.get_concrete_function(*signature.bind(specs)).graph
    owned = {id(variable) for variable in module.weights.values()}
    module.state = [variable for variable in graph.variables if id(variable) not in owned]
    default = by_name.get_concrete_function(**specs)
    tf.saved_model.save(module, str(folder), signatures={"serving_default": default})
