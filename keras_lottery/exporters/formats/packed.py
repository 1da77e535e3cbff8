"""A SavedModel as small as its surviving weights, which decodes itself once when it is loaded.

Of each variable with enough zeros it stores the bits of its mask, compressed with zlib, and the
surviving values. TensorFlow alone unpacks them, by operations in the SavedModel's graph.
"""

import uuid
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery.exporters.exporter import Exporter, Loaded, Request
from keras_lottery.exporters.formats.saved_model import load_module, save_module, served, tables
from keras_lottery.exporters.signature import Signature

_OVERHEAD = 1 << 14  # bytes of the operations that decode a variable


class Packed(Exporter):
    """A SavedModel of mask bits and surviving values.

    The loaded module has `serve` and `serving_default` as in `saved_model`; `weights()` returns the
    decoded values by structural path.
    """

    packages = (("tensorflow", "export"),)
    runtime = "tensorflow"
    dense = "saved_model"

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        import keras
        import tensorflow as tf

        from keras_lottery import masking

        variables = masking.variables(model)
        module = tf.Module()
        module.stored = {
            path: _stored(variable.value, keras.ops.convert_to_numpy(variable.value))
            for path, variable in variables.items()
        }

        def call(*arguments: Any) -> Any:
            values = [(v, module.stored[path].value()) for path, v in variables.items()]
            with keras.StatelessScope(state_mapping=values):
                return model(*arguments, training=False)

        @tf.function(autograph=False, input_signature=[])
        def weights() -> dict[str, Any]:
            return {path: entry.value() for path, entry in module.stored.items()}

        module.weights = weights
        # A resource doesn't track its attributes.
        module.owned = {path: entry.owned for path, entry in module.stored.items()}
        module.tables = tables(model)
        save_module(module, call, signature, artifact, module.owned.values())

    def load(self, artifact: Path, request: Request) -> Loaded:
        module = load_module(artifact)
        return Loaded(
            served(module),
            lambda: ((path, np.asarray(v)) for path, v in sorted(module.weights().items())),
        )


def _stored(variable: Any, value: NDArray[Any]) -> Any:
    """Returns a trackable object whose `value()` is the variable's, packed if that is smaller."""
    import tensorflow as tf

    plain = value.astype("float32") if str(value.dtype) == "bfloat16" else value
    kept = (plain != 0) | (np.signbit(plain) if plain.dtype.kind == "f" else False)
    bits = zlib.compress(np.packbits(kept).tobytes(), 9)
    survivors = value[kept]
    if len(bits) + survivors.nbytes + _OVERHEAD >= value.nbytes:
        entry = tf.Module()
        entry.owned = variable
        entry.value = lambda: tf.convert_to_tensor(entry.owned)
        return entry
    return _unpacked()(bits, tf.Variable(survivors, trainable=False), value.shape, variable.dtype)


def _unpacked() -> Any:
    """Returns the class of a packed variable, which needs TensorFlow to be imported."""
    import tensorflow as tf

    class Unpacked(tf.saved_model.experimental.TrackableResource):
        """A dense variable that is not stored, but set from bits and survivors on loading."""

        def __init__(self, bits: bytes, survivors: Any, shape: tuple[int, ...], dtype: Any) -> None:
            super().__init__()
            self.bits, self.owned = tf.constant(bits), survivors
            self.shape, self.dtype = shape, dtype
            # Unique, so that a served graph finds the variable that was set on loading.
            self.name = f"unpacked_{uuid.uuid4().hex}"
            self._initialize()

        def _create_resource(self) -> Any:
            return tf.raw_ops.VarHandleOp(dtype=self.dtype, shape=self.shape, shared_name=self.name)

        def _initialize(self) -> None:
            tf.raw_ops.AssignVariableOp(resource=self.resource_handle, value=self._decoded())

        def _decoded(self) -> Any:
            size = int(np.prod(self.shape))
            inflated = tf.io.decode_compressed(self.bits, compression_type="ZLIB")
            octets = tf.io.decode_raw(inflated, tf.uint8)
            shifts = tf.constant([7, 6, 5, 4, 3, 2, 1, 0], tf.uint8)
            shifted = tf.bitwise.right_shift(octets[:, None], shifts)
            bits = tf.bitwise.bitwise_and(shifted, tf.constant(1, tf.uint8))
            kept = tf.cast(tf.reshape(bits, [-1])[:size], tf.int32)
            # Number 0 is the zero; survivor i is number i + 1.
            numbers = tf.cumsum(kept) * kept
            values = tf.concat([tf.zeros([1], self.dtype), self.owned], 0)
            return tf.reshape(tf.gather(values, numbers), self.shape)

        def value(self) -> Any:
            value = tf.raw_ops.ReadVariableOp(resource=self.resource_handle, dtype=self.dtype)
            return tf.ensure_shape(value, self.shape)

    return Unpacked


exporter = Packed()
