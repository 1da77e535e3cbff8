"""Marks of tests that need what older versions of Keras don't have."""

import keras
import pytest
from packaging.version import Version

installed = Version(keras.__version__)

needs_distiller = pytest.mark.skipif(
    installed < Version("3.12"), reason="keras.distillation.Distiller is new in Keras 3.12"
)
needs_reversible_embedding = pytest.mark.skipif(
    installed < Version("3.12"), reason="keras.layers.ReversibleEmbedding is new in Keras 3.12"
)
needs_muon = pytest.mark.skipif(
    installed < Version("3.13") and keras.config.backend() == "tensorflow",
    reason="keras.optimizers.Muon runs on TensorFlow since Keras 3.13",
)
