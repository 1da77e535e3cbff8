"""Exports a model atomically: write, reload, compare, rename."""

import gzip
import json
import os
import platform
import tarfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np

from keras_lottery import checks
from keras_lottery.backend.global_state import preserved
from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.exporters.exporter import Exporter, Subject, exporters
from keras_lottery.exporters.report import ExportReport
from keras_lottery.exporters.signature import given_batch, random_batch, signature_of
from keras_lottery.exporters.verify import answers, stored_variables, verify
from keras_lottery.exporters.workspace import clear_killed, publish, workspace
from keras_lottery.types import VariableInfo

REPORT = "export.json"
_LENGTHS = (16, 64, 256)


@preserved()
def export(
    model: Any,
    out: str | Path,
    format: str = "saved_model",
    *,
    inputs: Any = None,
    tolerance: float | None = None,
    assets: Mapping[str, bytes] | None = None,
    prunable: Collection[str] | None = None,
) -> ExportReport:
    """Folds the masks of `model` in, writes it to `out`, reloads it and compares.

    Args:
        model: a Keras model, masked or plain, on any backend; not modified.
        out: a new folder or file, depending on the format. The report is written with it:
            `export.json` in the folder, or `<out>.export.json` next to the file.
        format: name of a registered format: `saved_model`, `keras`, ...
        inputs: a batch to compare on, as passed to the model; None: random.
        tolerance: largest allowed difference between an output of the artifact and the model's;
            None: 1e-4 times the largest output or 1 (2e-2 in half precision).
        assets: other files to write like the report, by name, e.g. a vocabulary.
        prunable: paths of the variables that the report counts as prunable; None: those with a
            mask, or for a plain model those that `kl.mask` would mask.

    Returns:
        A report on the artifact and its comparison with the model.

    Raises:
        LotteryError: `out` exists or cannot be written, the model cannot be saved, or the
            artifact differs from it; no files are left behind.
        MissingExtraError: the format needs a package that is not installed.

    Example:
        >>> print(kl.export(model, "served"))
        >>> served = tf.saved_model.load("served")  # needs neither Keras nor this package
        >>> served.serve(x)
        >>> served.signatures["serving_default"](inputs=x)["outputs"]
        >>> served.weights["layers/dense/kernel"]
    """
    from keras_lottery import masking
    from keras_lottery.masking import arguments

    exporter, out = exporters[format], checks.file_path(out, "out")
    arguments.built_model(model)
    if tolerance is not None:
        checks.number(tolerance, "tolerance", least=0)
    for name, data in checks.instance(assets or {}, Mapping, "assets").items():  # type: ignore[type-abstract]
        checks.instance(data, bytes, f"assets[{name!r}]")
    check_free(out, exporter, assets or ())
    infos = masking.describe(model)
    if prunable is None:
        prunable = {*masking.get_masks(model)} or {info.path for info in infos if info.prunable}
    plain = masking.strip(model) if masking.is_masked(model) else model
    subject = subject_of(plain, infos, inputs)
    variables = stored_variables(subject.model)
    with workspace(out) as folder:
        artifact = exporter.write(subject, folder)
        reloaded = exporter.reload(subject, artifact, folder)
        difference, allowed = verify(subject, variables, reloaded, tolerance)
        report = ExportReport(
            path=out,
            format=format,
            bytes=sum(file.stat().st_size for file in _files(artifact)),
            gzipped_bytes=_gzipped_bytes(artifact),
            plain_bytes=sum(v.nbytes for v in variables),
            max_abs_difference=difference,
            tolerance=allowed,
            inputs={spec.name: str(spec) for spec in subject.signature.inputs},
            outputs=tuple(sorted(subject.outputs)),
            variables=tuple(replace(v, prunable=v.path in prunable) for v in variables),
            versions=_versions(),
        )
        text = json.dumps(report.as_json(), indent=2) + "\n"
        files = {REPORT: text.encode()} | dict(assets or {})
        companions = {_companion(out, exporter, name): files[name] for name in files}
        publish(folder, artifact, out, companions)
    return report


def subject_of(model: Any, infos: list[VariableInfo], example: Any = None) -> Subject:
    """Records the outputs of the plain `model` for `example`, or for a random batch.

    Integers are drawn below the size of the model's smallest embedding. If a shape has an unknown
    length, longer ones are tried until the model runs.

    Raises:
        LotteryError: the model does not run on the batch, or has no finite outputs.
    """
    signature = signature_of(model, example)
    if example is not None:
        batches = [given_batch(signature, example)]
    else:
        high = min((i.shape[0] for i in infos if i.kind == "embedding"), default=2)
        open_lengths = any(None in spec.shape[1:] for spec in signature.inputs)
        lengths = _LENGTHS if open_lengths else _LENGTHS[:1]
        batches = [random_batch(signature, length=n, high=high) for n in lengths]
    reason = ""
    for batch in batches:
        try:
            subject = Subject(model, signature, batch, answers(model, signature, batch))
        except Exception as error:  # whatever the user's layers and the backend raise
            reason = reason_of(error)
            continue
        _check_finite(subject)
        return subject
    raise LotteryError(
        f"Expected a model that runs on a batch of its input shapes. Received: {reason} "
        "Pass a batch that it accepts as `inputs`."
    )


def _check_finite(subject: Subject) -> None:
    outputs = subject.outputs.values()
    if not any(np.isfinite(value.astype(np.float64)).any() for value in outputs):
        raise LotteryError(
            "Expected a model with finite outputs. Received: nothing but NaN and infinities. "
            "Train it again, or pass a batch that it can answer as `inputs`."
        )


def check_free(out: Path, exporter: Exporter, assets: Iterable[str] = ()) -> None:
    """Checks that the paths of an artifact and its companion files are free.

    Files of killed exports are removed first.

    Raises:
        LotteryError: `out` has the wrong suffix, or a file exists.
    """
    if exporter.suffix and out.suffix != exporter.suffix:
        raise LotteryError(
            f"Expected a file name that ends in {exporter.suffix}. Received: {out}. Rename it."
        )
    clear_killed(out.parent)
    for path in (out, *(_companion(out, exporter, name) for name in (REPORT, *assets))):
        if os.path.lexists(path):
            raise LotteryError(
                f"Expected a path that does not exist. Received: {path}, which exists. "
                "Choose another with --out, or remove it."
            )


def _companion(out: Path, exporter: Exporter, name: str) -> Path:
    """Returns the path of an artifact's companion file: in its folder, or next to its file."""
    return Path(f"{out}.{name}") if exporter.suffix else out / name


def _files(artifact: Path) -> list[Path]:
    return sorted(path for path in [artifact, *artifact.rglob("*")] if path.is_file())


def _gzipped_bytes(artifact: Path) -> int:
    """Returns the size of the artifact's `.tar.gz` at gzip's default level, without writing it."""

    class Counter:
        total = 0

        def write(self, data: bytes) -> int:
            self.total += len(data)
            return len(data)

    counter = Counter()
    with (
        gzip.GzipFile(fileobj=cast(BinaryIO, counter), mode="wb", compresslevel=6) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as archive,
    ):
        for file in _files(artifact):
            archive.add(file, arcname=file.relative_to(artifact.parent))
    return counter.total


def _versions() -> dict[str, str]:
    import keras

    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "keras_lottery": version("keras-lottery"),
        "backend": keras.config.backend(),
    }
