"""LiteRT (`.tflite`), through Keras' exporter: float, sparse kernels, int8."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_lottery.exporters.exporter import Arrays, Exporter, Loaded, Request, Subject
from keras_lottery.exporters.formats.keras_export import keras_export
from keras_lottery.exporters.signature import Signature

_FIXED = "LiteRT has loops over time for one example at a time: the batch size of the file is 1."


class LiteRT(Exporter):
    """Written on TensorFlow with LiteRT's own operations only, as its runtime has no others."""

    suffix = ".tflite"
    packages = (("tensorflow", "litert"), ("ai_edge_litert", "litert"))
    runtime = "ai_edge_litert.interpreter"
    int8 = "LiteRT's dynamic-range int8"
    share = 1e-3
    paths = False
    sparse = False

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        import tensorflow as tf

        optimizations = [tf.lite.Optimize.EXPERIMENTAL_SPARSITY] if self.sparse else []
        optimizations += [tf.lite.Optimize.DEFAULT] if quantize else []
        options: dict[str, Any] = {
            "target_spec": {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS]},
            "experimental_enable_resource_variables": False,  # weights are constants
            "optimizations": optimizations,
        }
        try:
            keras_export(model, signature, artifact, "litert", **options)
        except Exception as error:  # ConverterError is private
            if "TensorList" not in str(error):
                raise
            # Loops over time need a fixed batch size.
            keras_export(model, signature, artifact, "litert", batch=1, **options)

    def reading(self, subject: Subject, artifact: Path) -> Request:
        return {"free": [i.name for i in subject.signature.inputs if i.shape[:1] == (None,)]}

    def load(self, artifact: Path, request: Request) -> Loaded:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(artifact))
        run = interpreter.get_signature_runner()
        fixed = _is_fixed(run, request["free"])
        call = _one_by_one(run) if fixed else lambda inputs: run(**inputs)
        return Loaded(call, lambda: _tensors(artifact), (_FIXED,) if fixed else ())


class SparseLiteRT(LiteRT):
    """Stores kernels with many zeros in compressed rows, which LiteRT multiplies as such."""

    dense = "litert"
    sparse = True


def _is_fixed(run: Any, free: list[str]) -> bool:
    """Returns whether the file has the batch size 1, and the model any.

    Args:
        run: the file's signature.
        free: the inputs for which the model leaves the batch size open.
    """
    details = run.get_input_details()
    return bool(free) and all(details[name]["shape_signature"][0] == 1 for name in free)


def _one_by_one(run: Callable[..., Arrays]) -> Callable[[Arrays], Arrays]:
    """Returns a function that runs the examples of a batch one after another."""

    def call(inputs: Arrays) -> Arrays:
        size = len(next(iter(inputs.values())))
        parts = [{n: value[i : i + 1] for n, value in inputs.items()} for i in range(size)]
        outputs = [run(**part) for part in parts]
        return {name: np.concatenate([o[name] for o in outputs]) for name in outputs[0]}

    return call


def _tensors(artifact: Path) -> Any:
    """Yields the constants of a file; of a sparse one the survivors, then its zeros."""
    from ai_edge_litert import schema_py_generated as schema

    kinds = schema.TensorType
    types = {
        kinds.FLOAT32: "float32",
        kinds.FLOAT16: "float16",
        kinds.INT8: "int8",
    }  # integers of 32 and 64 bits are shapes and axes
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(artifact.read_bytes(), 0))
    for number, graph in enumerate(model.subgraphs):
        for index, tensor in enumerate(graph.tensors):
            stored = model.buffers[tensor.buffer].data
            if stored is None or tensor.type not in types or not len(tensor.shape):
                continue
            values = np.asarray(stored, np.uint8).view(types[tensor.type])
            if tensor.sparsity is not None:
                zeros = np.zeros(math.prod(tensor.shape) - values.size, values.dtype)
                values = np.concatenate([values, zeros])
            yield f"{number}/{index}/{tensor.name.decode()}", values


exporter = LiteRT()
sparse = SparseLiteRT()
