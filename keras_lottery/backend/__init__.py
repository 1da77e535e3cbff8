"""The only place that asks which backend and which devices are in use."""

from keras_lottery.backend.runtime import (
    copies,
    devices,
    generator_state,
    is_cpu,
    name,
    no_gradients,
    seed_generator,
    select,
    set_generator_state,
    versions,
)

__all__ = [
    "copies",
    "devices",
    "generator_state",
    "is_cpu",
    "name",
    "no_gradients",
    "seed_generator",
    "select",
    "set_generator_state",
    "versions",
]
