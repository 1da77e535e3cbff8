"""The weights alone, by structural path, as a safetensors file."""

from pathlib import Path
from typing import Any

from keras_lottery.exporters.exporter import Exporter, Loaded, Request
from keras_lottery.exporters.signature import Signature


class Safetensors(Exporter):
    """Weights without a network, which are compared bit for bit instead of outputs."""

    suffix = ".safetensors"
    writers = ()

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        import keras
        import numpy as np
        from safetensors.numpy import save_file

        from keras_lottery import masking

        tensors = {
            path: np.asarray(keras.ops.convert_to_numpy(variable.value), order="C")
            for path, variable in masking.variables(model).items()
        }
        save_file(tensors, artifact, metadata={"keras": keras.__version__, "model": model.name})

    def load(self, artifact: Path, request: Request) -> Loaded:
        import ml_dtypes  # noqa: F401  (safetensors' bfloat16)
        from safetensors import safe_open

        def tensors() -> Any:
            with safe_open(artifact, framework="numpy") as file:
                for path in sorted(file.keys()):
                    yield path, file.get_tensor(path)

        return Loaded(None, tensors)


exporter = Safetensors()
