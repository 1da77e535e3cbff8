"""Writing an artifact: here, or in a process on a Keras backend that can."""

import gc
import importlib.util
import logging
import re
import shutil
import warnings
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from keras_lottery import masking
from keras_lottery.errors import LotteryError, MissingExtraError, reason_of
from keras_lottery.exporters import variants
from keras_lottery.exporters.exporter import Exporter, Job, Request
from keras_lottery.exporters.signature import Signature
from keras_lottery.exporters.subprocess.archive import load_archive, loading, save_archive
from keras_lottery.exporters.subprocess.child import Child
from keras_lottery.exporters.subprocess.reading import exporter_at
from keras_lottery.files import full_disk

# How the converters name an operation that they can't convert.
_HALF = re.compile(r"[x<](b)?f16\b")  # a type in their graphs, such as tensor<?x4xf16>
_OPERATION = re.compile(
    r"'(?:tf|stablehlo)\.(\w+)' op|\btf\.(\w+) \{|[Nn]o conversion rule[^:]*: *(\w+)"
    r"|Tensorflow op \[[^\]]*?: (\w+)\]|(\w+)\(-?\d+\) is not a registered function"
)


def check_installed(exporter: Exporter) -> None:
    """Raises MissingExtraError if a package that the format needs is not installed."""
    for package, extra in exporter.packages:
        if importlib.util.find_spec(package) is None:
            raise MissingExtraError(package, extra)


class Writer:
    """Writes artifacts: here or, if the backend in use can't, in a process that is started at once.

    Args:
        format: the format's name, for errors.
        exporter: the first artifact's; the others have the same writers.
        folder: folder for exchanged files.
    """

    def __init__(self, format: str, exporter: Exporter, folder: Path) -> None:
        self._expected = f"a model that the format {format!r} can express"
        self._folder = folder
        self._sent: Callable[[], Any] = lambda: None  # the last model
        self._child: Child | None = None
        if not is_here(exporter):
            preload = "" if exporter.environment else "keras"  # with TF-Agents it is another Keras
            self._child = Child(exporter.writers[0], folder, dict(exporter.environment), preload)

    def __enter__(self) -> "Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the other process and frees its memory."""
        if self._child is not None:
            self._child.__exit__()

    @property
    def here(self) -> bool:
        """Whether this process writes, which changes a model whose zeros are to be filled."""
        return self._child is None

    def write(self, job: Job) -> None:
        """Writes an artifact, or hands it to the other process.

        Raises:
            LotteryError: the format can't express the model; the error names the operation.
        """
        if self._child is None:
            save_here(job, self._expected)
            return
        model = job.subject.model
        again = model is self._sent()
        self._child.send(f"{__name__}:save", request_of(job, None if again else self._folder))
        self._sent = weakref.ref(model)

    def wait(self) -> None:
        """Waits for the next of the artifacts that the other process writes.

        Raises:
            LotteryError: the format can't express the model; the error names the operation.
        """
        if self._child is not None:
            self._child.receive(self._expected)


_loaded: list[Any] = []  # the model of the last request, in the process that writes


def save(job: Request) -> Request:
    """Loads the model of a request, unless it is that of the one before, and writes it."""
    if "archive" in job:
        _loaded.clear()
        gc.collect()  # Keras' models are cycles
        with masking.blank_initializers():
            _loaded.append(load_archive(job))
        shutil.rmtree(job["archive"])
    exporter, signature = exporter_at(job["exporter"]), Signature.from_json(job["signature"])
    try:
        variants.fill_zeros(_loaded[0], job["fill"])
        exporter.save(_loaded[0], signature, Path(job["artifact"]), job["quantize"])
    except (OSError, LotteryError):
        raise
    except Exception as error:
        raise full_disk(error) or RuntimeError(named_operation(error)) from error
    return {}


def is_here(exporter: Exporter) -> bool:
    """Returns whether the backend in use can write the format."""
    from keras_lottery import backend

    return not exporter.separate and (not exporter.writers or backend.name() in exporter.writers)


def save_here(job: Job, expected: str) -> None:
    """Writes a job on the backend in use.

    Raises:
        LotteryError: the format can't express the model; the error names the operation.
    """
    subject = job.subject
    try:
        with _quiet():
            variants.fill_zeros(subject.model, job.fill)
            job.exporter.save(subject.model, subject.signature, job.artifact, job.quantize)
    except (OSError, LotteryError):
        raise
    except Exception as error:  # whatever the user's layers and the converters raise
        if full := full_disk(error):
            raise full from error
        raise LotteryError(
            f"Expected {expected}. Received: {named_operation(error)} Nothing was written; use "
            "operations of keras.ops in its layers, or another format."
        ) from error


def request_of(job: Job, folder: Path | None) -> Request:
    """Returns what `save` needs; saves the job's model in `folder`.

    Args:
        job: what to write.
        folder: None: the model is that of the request before.
    """
    kind = type(job.exporter)
    request = {
        "exporter": f"{kind.__module__}:{kind.__qualname__}",
        "signature": job.subject.signature.as_json(),
        "artifact": str(job.artifact),
        "quantize": job.quantize,
        "fill": sorted(job.fill),
    }
    if folder is None:
        return request
    archive = folder / f"{job.artifact.stem}.model"
    save_archive(job.subject.model, archive)
    return request | loading(job.subject.model, archive)


def named_operation(error: Exception) -> str:
    """Returns what a converter complains of: the operations that it names, else its first line."""
    if half := _HALF.search(str(error)):
        dtype = "bfloat16" if half[1] else "float16"
        return (
            f"{dtype} computation, which LiteRT's operations don't have. Use a float32 dtype "
            "policy."
        )
    found = {name for match in _OPERATION.findall(str(error)) for name in match if name}
    if found:
        return f"the operation {', '.join(sorted(found))}, which it doesn't support."
    return reason_of(error)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silences what converters log and warn of."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
