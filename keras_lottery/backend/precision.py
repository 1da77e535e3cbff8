"""Matrix products in full float32 on accelerators, which would round their inputs to TF32."""

from collections.abc import Iterator
from contextlib import contextmanager

from keras_lottery.backend import runtime


@contextmanager
def full_precision() -> Iterator[None]:
    """Computes in full float32 in this context, to compare outputs between machines."""
    if runtime.name() == "jax":
        import jax

        with jax.default_matmul_precision("highest"):
            yield
    elif runtime.name() == "torch":
        import torch

        with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield  # products are full by default, convolutions are not
    else:
        import tensorflow as tf

        settings = tf.config.experimental
        before = settings.tensor_float_32_execution_enabled()
        settings.enable_tensor_float_32_execution(False)
        try:
            yield
        finally:
            settings.enable_tensor_float_32_execution(before)
