"""Which versions of JAX read compiled programs from disk."""

import keras
import pytest

from keras_lottery.backend import kept_programs


@pytest.mark.skipif(keras.config.backend() != "jax", reason="only JAX keeps programs on disk")
@pytest.mark.parametrize(("first", "reads"), [((0, 0), True), ((99, 0), False)])
def test_versions_that_read_them_back_wrong_do_not(first, reads, monkeypatch):
    import jax

    before = jax.config.jax_enable_compilation_cache
    monkeypatch.setattr(kept_programs, "FIRST_JAX", first)
    try:
        jax.config.update("jax_enable_compilation_cache", True)
        kept_programs.skip_broken_cache()
        assert jax.config.jax_enable_compilation_cache == reads
    finally:
        jax.config.update("jax_enable_compilation_cache", before)
