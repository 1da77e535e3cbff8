"""Whether JAX may read compiled programs from disk."""

import sys

import keras

FIRST_JAX = (0, 10)
"""First tested version whose programs from disk compute what they did before.

With JAX 0.6 on a CPU, a program read from disk skips its loops: a training changes no weight.
"""


def skip_broken_cache() -> None:
    """Turns JAX's cache of compiled programs off in versions that read them back wrong."""
    jax = sys.modules.get("jax")
    if keras.config.backend() != "jax" or jax is None or jax.__version_info__ >= FIRST_JAX:
        return
    from jax.experimental.compilation_cache import compilation_cache

    jax.config.update("jax_enable_compilation_cache", False)
    compilation_cache.reset_cache()  # JAX decides at its first compilation
