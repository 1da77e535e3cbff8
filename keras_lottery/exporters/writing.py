"""Writing an artifact: here, or in a process on a Keras backend that can."""

import gc
import importlib.util
import logging
import re
import shutil
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_lottery.errors import LotteryError, MissingExtraError, reason_of
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


def write(format: str, exporter: Exporter, jobs: Iterable[Job], folder: Path) -> None:
    """Writes artifacts, all in one other process if the backend in use can't write the format.

    Args:
        format: the format's name, for errors.
        exporter: the first artifact's; the others have the same writers.
        jobs: what to write; the model of one is dropped before the next is asked for.
        folder: folder for exchanged files.

    Raises:
        LotteryError: the format can't express the model; the error names the operation.
    """
    expected = f"a model that the format {format!r} can express"
    if is_here(exporter):
        for job in jobs:
            save_here(job, expected)
        return
    environment = dict(exporter.environment)
    preload = "" if environment else "keras"  # with TF-Agents it is another Keras
    with Child(f"{__name__}:save", folder, exporter.writers[0], environment, preload) as child:
        requests = [request_of(job, folder) for job in jobs]
        child.ask({"jobs": requests}, expected)
    for request in requests:
        shutil.rmtree(request["archive"])


def save(request: Request) -> Request:
    """Loads the models of a request, one at a time, and writes them."""
    for job in request["jobs"]:
        _save_loaded(job)
        gc.collect()  # Keras' models are cycles
    return {}


def _save_loaded(job: Request) -> None:
    exporter, model = exporter_at(job["exporter"]), load_archive(job)
    signature = Signature.from_json(job["signature"])
    try:
        exporter.save(model, signature, Path(job["artifact"]), job["quantize"])
    except (OSError, LotteryError):
        raise
    except Exception as error:
        raise full_disk(error) or RuntimeError(named_operation(error)) from error


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


def request_of(job: Job, folder: Path) -> Request:
    """Saves the job's model for another process; returns what `save` needs."""
    archive = folder / f"{job.artifact.stem}.model"
    save_archive(job.subject.model, archive)
    kind = type(job.exporter)
    return loading(job.subject.model, archive) | {
        "exporter": f"{kind.__module__}:{kind.__qualname__}",
        "signature": job.subject.signature.as_json(),
        "artifact": str(job.artifact),
        "quantize": job.quantize,
    }


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
