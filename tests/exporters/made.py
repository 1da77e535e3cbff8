"""Synthetic models for the tests of the exporters."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import keras
import numpy as np

from keras_lottery.exporters.exporter import Reloaded, Subject
from keras_lottery.exporters.verify import stored_variables
from keras_lottery.types import VariableInfo


@dataclass
class CopyExporter:
    """A format that is one file with the bytes of the weights; reloads what it was given.

    `wrong_output` and `wrong_variables` make it lie about what it found.
    """

    suffix: str = ".bin"
    wrong_output: float = 0.0
    lost_variables: int = 0
    error: Exception | None = None

    def write(self, subject: Subject, folder: Path) -> Path:
        artifact = folder / "artifact"
        files = [artifact]
        if not self.suffix:
            artifact.mkdir()
            files = [artifact / "weights"]
        for file in files:
            file.write_bytes(
                b"".join(keras.ops.convert_to_numpy(v).tobytes() for v in subject.model.weights)
            )
        if self.error is not None:
            raise self.error
        return artifact

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        outputs = {name: value + self.wrong_output for name, value in subject.outputs.items()}
        return Reloaded(outputs, stored_variables(subject.model)[self.lost_variables :])


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
