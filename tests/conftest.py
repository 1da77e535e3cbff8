"""The environment that every test runs in."""

import gc
import os
import tempfile

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# torch's threads wait for one another in busy loops: beside other work, tenfold the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# TF-Agents needs it before TensorFlow is imported; Keras 3 takes no notice of it.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# The tests of this process, and processes that they start, share one cache, and not the user's.
_CACHE = tempfile.TemporaryDirectory(prefix="keras_lottery-")
os.environ["KERAS_LOTTERY_CACHE"] = _CACHE.name


def pytest_collection_finish() -> None:
    """Keeps the collector off what was imported: millions of objects, a tenth of the suite's time.

    At its default thresholds it walks them again and again, and so does every search for the
    optimizers of a model.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@pytest.fixture(scope="session", autouse=True)
def _programs_kept():
    """Keeps what JAX compiled, for this process alone: a third of the time of many tests."""
    if os.environ.get("KERAS_BACKEND") != "jax":
        yield
        return
    import jax

    with tempfile.TemporaryDirectory() as folder:
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        yield
