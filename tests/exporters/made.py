"""Synthetic models for the tests of the exporters."""

from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np

from keras_lottery.exporters.exporter import Exporter, Loaded, Reloaded, Subject, exporters
from keras_lottery.exporters.verify import stored_variables
from keras_lottery.types import VariableInfo


class CopyExporter(Exporter):
    """A format that is one file with the bytes of the weights; reads what it was given.

    `wrong_output` and `lost_variables` make it lie about what it read.
    """

    suffix = ".bin"
    writers = ()
    compared = False
    wrong_output: float = 0.0
    lost_variables: int = 0
    error: Exception | None = None

    def save(self, model: Any, signature: Any, artifact: Path, quantize: str) -> None:
        if artifact.stem == "artifact":
            self.saved = stored_variables(model)
        files = [artifact]
        if not self.suffix:
            artifact.mkdir()
            files = [artifact / "weights"]
        for file in files:
            file.write_bytes(b"".join(value.tobytes() for value in values(model)))
        if self.error is not None:
            raise self.error

    def load(self, artifact: Path, request: Any) -> Loaded:
        raise NotImplementedError

    def install(self, monkeypatch: Any) -> "CopyExporter":
        """Registers it as `copy`, read without another process."""
        monkeypatch.setitem(exporters._entries, "copy", self)
        monkeypatch.setattr(
            "keras_lottery.exporters.export_model.Reader", lambda *_: nullcontext(self)
        )
        return self

    def start(self) -> None:
        """Does nothing."""

    def read(self, parts: Iterable[Any], subject: Subject) -> Reloaded:
        assert len(list(parts)) == 1 + self.compared
        outputs = {name: value + self.wrong_output for name, value in subject.outputs.items()}
        return Reloaded(outputs, self.saved[self.lost_variables :])


def mlp(*widths: int) -> keras.Sequential:
    """Dense layers of these widths; the first is that of the input."""
    keras.utils.set_random_seed(0)
    layers: list[Any] = [keras.Input((widths[0],), name="pixels")]
    layers += [keras.layers.Dense(n, "relu") for n in widths[1:-1]]
    return keras.Sequential([*layers, keras.layers.Dense(widths[-1])])


def values(model: keras.Model) -> list[np.ndarray]:
    """Returns copies of the weights."""
    return [np.array(keras.ops.convert_to_numpy(v)) for v in model.weights]


@dataclass(frozen=True)
class NoSettings:
    """A config section without fields."""


@dataclass
class MadeTask:
    """Two weights: the model returns `weights["kernel"]`, masked, times its input."""

    config: Any
    prunable: ClassVar[bool] = True

    def export_model(self, weights: dict[str, Any]) -> keras.Model:
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, use_bias=False)])
        model.set_weights([weights["kernel"]])
        return model

    def variables(self) -> list[VariableInfo]:
        return [VariableInfo("layers/dense/kernel", (2, 1), prunable=self.prunable)]

    def assets(self) -> dict[str, bytes]:
        return {"words.txt": b"one\n"}
