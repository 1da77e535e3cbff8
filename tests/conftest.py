"""The environment that every test runs in."""

import gc
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.version import Version

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# torch's threads wait for one another in busy loops: beside other work, tenfold the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# TF-Agents needs it before TensorFlow is imported; Keras 3 takes no notice of it.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# The tests of this process, and processes that they start, share one cache, and not the user's.
_CACHE = tempfile.TemporaryDirectory(prefix="keras_lottery-", ignore_cleanup_errors=True)
os.environ["KERAS_LOTTERY_CACHE"] = _CACHE.name
# What JAX compiles is kept for them as well: a third of the time of many tests.
os.environ["JAX_COMPILATION_CACHE_DIR"] = os.path.join(_CACHE.name, "programs")
os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"

_GROWTH = 512 << 10  # KiB
_peaks = [0]  # at each collection


def pytest_configure(config: pytest.Config) -> None:
    """Ignores what old versions of Keras say about their own work."""
    if Version(version("keras")) < Version("3.11"):
        # A functional model from a file or config expects its only input in a list.
        line = "ignore:The structure of `inputs` doesn't match:UserWarning"
        config.addinivalue_line("filterwarnings", line)


def pytest_unconfigure() -> None:
    """Removes the cache, since pytest-xdist ends its processes without Python's clean-up."""
    _CACHE.cleanup()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skips files without a test of the marks that are asked for: importing them takes time."""
    asked = config.getoption("markexpr").split(" or ")
    if collection_path.suffix != ".py" or not {"backend", "tensorflow"}.issuperset(asked):
        return None
    files = (collection_path, collection_path.with_name("conftest.py"))
    text = "".join(file.read_text(encoding="utf-8") for file in files if file.exists())
    return None if any(f"mark.{name}" in text for name in asked) else True


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts long files first: at the end, one worker would be alone with them."""
    items.sort(key=lambda item: item.path.parent.name not in ("benchmarks", "examples", "website"))


def pytest_collection_finish() -> None:
    """Keeps the collector off what was imported: millions of objects, a tenth of the suite's time.

    At its default thresholds it walks them again and again, and so does every search for the
    optimizers of a model.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


@pytest.fixture(scope="module", autouse=True)
def small_heap() -> Iterator[None]:
    """Keeps the collector off what a file of tests leaves alive, too, in programs and caches.

    `kl.mask` also walks what the collector knows. Once the process has grown by half a gigabyte,
    everything is collected again.
    """
    yield
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if peak > _peaks[-1] + _GROWTH:
        gc.unfreeze()
        _peaks.append(peak)
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def unflushed_files() -> Iterator[None]:
    """Leaves files to the system's cache, which outlives every process that a test kills."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def forked_children() -> Iterator[None]:
    """Forks the processes of exports from one that has imported Keras: a quarter of the time.

    `tests/exporters/test_child.py`, the examples and the command line start them as users do.
    """
    from keras_lottery.exporters.subprocess import child
    from tests import fresh

    streams = {"PIPE": subprocess.PIPE, "DEVNULL": subprocess.DEVNULL}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(child, "subprocess", SimpleNamespace(Popen=fresh.Popen, **streams))
        yield
