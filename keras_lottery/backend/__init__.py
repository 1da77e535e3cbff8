"""The backend and the devices in use; the rest of the package asks here."""

from keras_lottery.backend.kept_programs import skip_broken_cache
from keras_lottery.backend.runtime import (
    aligned_zeros,
    copies,
    devices,
    full_precision,
    generator_state,
    has_float64,
    is_cpu,
    name,
    no_gradients,
    seed_generator,
    select,
    set_generator_state,
    tensor_of,
    versions,
    view,
    wait,
)
from keras_lottery.backend.tested import warn_untested

__all__ = [
    "aligned_zeros",
    "copies",
    "devices",
    "full_precision",
    "generator_state",
    "has_float64",
    "is_cpu",
    "name",
    "no_gradients",
    "seed_generator",
    "select",
    "set_generator_state",
    "tensor_of",
    "versions",
    "view",
    "wait",
]

# Once per process.
warn_untested()
skip_broken_cache()
