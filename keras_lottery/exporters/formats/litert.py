"""LiteRT (`.tflite`), through Keras' exporter: float, sparse kernels, int8."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from keras_lottery.exporters.exporter import Arrays, Exporter, Loaded, Request
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

    def load(self, artifact: Path, request: Request) -> Loaded:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(str(artifact))
        run = interpreter.get_signature_runner()
        notes = (_FIXED,) if _is_fixed(run) else ()
        return Loaded(lambda inputs: _call(run, inputs), lambda: _tensors(artifact), notes)


class SparseLiteRT(LiteRT):
    """Stores kernels with many zeros in compressed rows, which LiteRT multiplies as such."""

    dense = "litert"
    sparse = True


def _is_fixed(run: Any) -> bool:
    details = run.get_input_details().values()
    return all(detail["shape_signature"][:1].tolist() == [1] for detail in details)


def _call(run: Any, inputs: Arrays) -> Arrays:
    """Runs a batch; example by example if the file has the fixed batch size 1."""
    size = len(next(iter(inputs.values())))
    if size == 1 or not _is_fixed(run):
        outputs: Arrays = run(**inputs)
        return outputs
    each = [run(**{name: value[i : i + 1] for name, value in inputs.items()}) for i in range(size)]
    return {name: np.concatenate([one[name] for one in each]) for name in each[0]}


def _tensors(artifact: Path) -> Any:
    """Yields the constants of a file; of a sparse one the survivors, then its zeros."""
    from ai_edge_litert import schema_py_generated as schema

    kinds = schema.TensorType
    types = {
        kinds.FLOAT32: "float32",
        kinds.FLOAT16: "float16",
        kinds.INT8: "int8",
        kinds.INT32: "int32",
        kinds.INT64: "int64",
    }
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(artifact.read_bytes(), 0))
    for number, graph in enumerate(model.subgraphs):
        for index, tensor in enumerate(graph.tensors):
            stored = model.buffers[tensor.buffer].data
            if stored is None or tensor.type not in types:
                continue
            values = np.asarray(stored, np.uint8).view(types[tensor.type])
            if tensor.sparsity is not None:
                zeros = np.zeros(math.prod(tensor.shape) - values.size, values.dtype)
                values = np.concatenate([values, zeros])
            yield f"{number}/{index}/{tensor.name.decode()}", values


exporter = LiteRT()
sparse = SparseLiteRT()
