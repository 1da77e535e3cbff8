"""ONNX, through Keras' exporter, for ONNX Runtime."""

from pathlib import Path
from typing import Any

from keras_lottery.errors import LotteryError
from keras_lottery.exporters.exporter import Arrays, Exporter, Loaded, Request
from keras_lottery.exporters.formats.keras_export import is_weight, keras_export
from keras_lottery.exporters.signature import Signature

_QUANTIZED = ("MatMul", "Gemm")


class Onnx(Exporter):
    """Written on TensorFlow; ONNX Runtime quantizes matrix products dynamically."""

    suffix = ".onnx"
    packages = tuple((name, "onnx") for name in ("tensorflow", "onnx", "tf2onnx", "onnxruntime"))
    runtime = "onnxruntime"
    int8 = "ONNX Runtime's dynamic int8"
    share = 1e-3
    paths = False

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        keras_export(model, signature, artifact, "onnx")
        _check_known(artifact)
        if quantize:
            _quantize(artifact)

    def load(self, artifact: Path, request: Request) -> Loaded:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(artifact, options, ["CPUExecutionProvider"])
        outputs = [output.name for output in session.get_outputs()]

        def call(inputs: Arrays) -> Arrays:
            return dict(zip(outputs, session.run(outputs, inputs)))

        def tensors() -> Any:
            import onnx
            from onnx import numpy_helper

            for tensor in onnx.load(artifact).graph.initializer:
                value = numpy_helper.to_array(tensor)
                if is_weight(value):
                    yield tensor.name, value

        return Loaded(call, tensors)


def _check_known(artifact: Path) -> None:
    """Raises LotteryError for operations that tf2onnx has left as TensorFlow's."""
    import onnx

    nodes = onnx.load(artifact, load_external_data=False).graph.node
    unknown = {node.op_type for node in nodes if not onnx.defs.has(node.op_type, node.domain)}
    unknown -= {node.op_type for node in nodes if node.domain not in ("", "ai.onnx")}
    if unknown:
        raise LotteryError(
            f"Expected operations that ONNX has. Received: {', '.join(sorted(unknown))}. Use "
            "others of keras.ops, or another format."
        )


def _quantize(artifact: Path) -> None:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    if not {node.op_type for node in onnx.load(artifact).graph.node} & set(_QUANTIZED):
        raise LotteryError(
            "Expected matrix products, which ONNX Runtime quantizes without data. Received: a "
            "network without any. Use the format litert, which quantizes convolutions too."
        )
    quantize_dynamic(
        artifact, artifact, weight_type=QuantType.QInt8, op_types_to_quantize=list(_QUANTIZED)
    )


exporter = Onnx()
