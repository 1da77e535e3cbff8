"""What older versions of Keras don't have, and marks of tests that need it."""

import keras
import pytest
from packaging.version import Version

installed = Version(keras.__version__)

# Before, Keras leaves layers in lists of lists out of its files.
saves_nested_lists = installed >= Version("3.15")

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
needs_multi_optimizer = pytest.mark.skipif(
    not hasattr(keras.optimizers, "MultiOptimizer"),
    reason="this Keras has no keras.optimizers.MultiOptimizer",
)
needs_schedule_free = pytest.mark.skipif(
    not hasattr(keras.optimizers, "ScheduleFreeAdamW"),
    reason="this Keras has no keras.optimizers.ScheduleFreeAdamW",
)
