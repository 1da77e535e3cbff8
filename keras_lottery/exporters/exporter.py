"""What an export format defines, and the formats by name."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.signature import Signature
from keras_lottery.registry import Registry

Arrays = dict[str, NDArray[Any]]
Request = dict[str, Any]


@dataclass(frozen=True)
class Subject:
    """The model to export, and the outputs that the artifact must reproduce.

    Args:
        model: the plain Keras model; None once it is written, to free its memory.
        signature: names, shapes and types of its inputs, and their structure.
        inputs: the batch on which model and artifact are compared, by input name.
        outputs: the model's outputs for it on the current backend, by output name.
    """

    model: Any
    signature: Signature
    inputs: Arrays
    outputs: Arrays


@dataclass(frozen=True)
class Loaded:
    """An artifact in its own runtime.

    Args:
        call: returns the outputs by name, for inputs by name; None: the format has only weights.
        tensors: returns the stored tensors, one at a time.
        notes: what a user should know about the artifact.
    """

    call: Callable[[Arrays], Arrays] | None
    tensors: Callable[[], Iterable[tuple[str, NDArray[Any]]]]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reloaded:
    """An artifact as a fresh process read it.

    Args:
        outputs: its outputs for the subject's inputs; None: the format has only weights.
        variables: its tensors.
        latency: milliseconds of a call by batch size, of the `artifact` and the `dense` network.
        notes: what a user should know about the artifact.
    """

    outputs: Arrays | None
    variables: tuple[StoredVariable, ...]
    latency: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Exporter(ABC):
    """An export format, without state: another process creates its own from the class.

    Args:
        suffix: ending of the artifact's name; empty: it is a folder.
        packages: the packages that it needs, each with the extra that installs it.
        writers: the Keras backends that can write it; empty: all. Others write it in a process on
            the first of them.
        separate: write in another process in any case.
        environment: additional variables of the processes that write.
        runtime: what the process that reads it imports before the artifact exists.
        dense: the format with which the dense network is written; empty: this one.
        int8: the format's own quantization; empty: Keras' `model.quantize`.
        share: allowed difference of an output; see `worst_output`.
        quantizes: False: no int8 works in this format.
        paths: the artifact has the model's variables under their structural paths.
        compared: the dense network is written and measured too.
    """

    suffix: ClassVar[str] = ""
    packages: ClassVar[tuple[tuple[str, str], ...]] = ()
    writers: ClassVar[tuple[str, ...]] = ("tensorflow",)
    separate: ClassVar[bool] = False
    environment: ClassVar[tuple[tuple[str, str], ...]] = ()
    runtime: ClassVar[str] = ""
    dense: ClassVar[str] = ""
    int8: ClassVar[str] = ""
    share: ClassVar[float] = 1e-4
    quantizes: ClassVar[bool] = True
    paths: ClassVar[bool] = True
    compared: ClassVar[bool] = True

    def check(self, subject: Subject) -> None:  # noqa: B027
        """Raises LotteryError for a model that the format can't express."""

    @abstractmethod
    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        """Writes a plain model, on one of the backends `writers`.

        Args:
            model: the model, called on the current backend at least once.
            signature: its inputs.
            artifact: file or folder to write.
            quantize: `int8` for the format's own quantization, else empty.
        """

    def reading(self, subject: Subject, artifact: Path) -> Request:
        """Returns what `load` needs besides the artifact, as JSON values.

        The artifact exists already if this process writes it.
        """
        return {}

    @abstractmethod
    def load(self, artifact: Path, request: Request) -> Loaded:
        """Loads an artifact in a fresh process, where Keras may not be imported."""


@dataclass(frozen=True)
class Job:
    """One artifact to write and to read.

    Args:
        exporter: its format.
        subject: the model.
        artifact: file or folder.
        quantize: `int8` for the format's own quantization, else empty.
        fill: paths of the variables whose zeros are filled in the artifact; see
            `variants.fill_zeros`.
    """

    exporter: Exporter
    subject: Subject
    artifact: Path
    quantize: str = ""
    fill: frozenset[str] = frozenset()


exporters: Registry[Exporter] = Registry("export format")
for _name, (_location, _says) in {
    "keras": ("keras_file:exporter", "A .keras file."),
    "litert": ("litert:exporter", "A .tflite file for LiteRT."),
    "litert_sparse": (
        "litert:sparse",
        "A .tflite file whose sparse kernels LiteRT multiplies without the zeros.",
    ),
    "onnx": ("onnx:exporter", "An .onnx file."),
    "openvino": ("openvino:exporter", "OpenVINO's .xml and .bin."),
    "packed": ("packed:exporter", "A SavedModel that stores mask bits and surviving values only."),
    "policy": ("policy:exporter", "A TF-Agents policy, for agents."),
    "safetensors": ("safetensors:exporter", "The weights alone, without a network."),
    "saved_model": ("saved_model:exporter", "TensorFlow's SavedModel, for TF Serving."),
}.items():
    exporters.register_lazily(_name, f"keras_lottery.exporters.formats.{_location}", _says)
