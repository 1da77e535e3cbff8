"""OpenVINO's IR, through Keras' exporter: a folder with `model.xml` and `model.bin`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from keras_lottery.errors import LotteryError
from keras_lottery.exporters.exporter import Arrays, Exporter, Loaded, Request, Subject
from keras_lottery.exporters.formats.keras_export import is_weight, keras_export
from keras_lottery.exporters.signature import Signature

_NAME = "model.xml"


class OpenVino(Exporter):
    """Written on TensorFlow, and run in single precision on the CPU."""

    packages = (("tensorflow", "openvino"), ("openvino", "openvino"))
    runtime = "openvino"
    quantizes = False
    share = 1e-3
    paths = False

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        artifact.mkdir()
        keras_export(model, signature, artifact / _NAME, "openvino")

    def reading(self, subject: Subject, artifact: Path) -> Request:
        return {"outputs": sorted(subject.outputs)}

    def load(self, artifact: Path, request: Request) -> Loaded:
        import openvino

        core = openvino.Core()
        network = core.read_model(artifact / _NAME)
        compiled = core.compile_model(
            network, "CPU", {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": 1}
        )
        names = request["outputs"]
        if len(names) != len(compiled.outputs):
            raise LotteryError(
                f"Expected {len(names)} outputs. Received: {len(compiled.outputs)}, as OpenVINO "
                "merges equal outputs. Return each tensor once."
            )

        ordered = _port_names(compiled.outputs, names)

        def call(inputs: Arrays) -> Arrays:
            return dict(zip(ordered, compiled(inputs).values()))

        return Loaded(call, lambda: _constants(network))


def _port_names(ports: Sequence[Any], names: Sequence[str]) -> list[str]:
    """Returns the output that each port is: ports of equal tensors share their names.

    A port that passes an input through has the input's name, and is one of the other outputs.
    """
    left, ordered = list(names), []
    for port in ports:
        ordered.append(next((name for name in left if name in port.get_names()), None))
        left = [name for name in left if name != ordered[-1]]
    rest = iter(left)
    return [next(rest) if name is None else name for name in ordered]


def _constants(network: Any, name: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Yields the constants of a network and of the bodies of its loops, by name."""
    for operation in network.get_ops():
        place = f"{name}/{operation.get_friendly_name()}"
        if operation.get_type_name() == "Constant":
            if is_weight(operation.data):
                yield place, operation.data
        elif operation.get_type_name() in ("Loop", "TensorIterator"):
            yield from _constants(operation.get_function(), place)


exporter = OpenVino()
