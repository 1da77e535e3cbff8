"""Exports a model atomically: write, reload, compare, rename."""

import gc
import json
import math
import platform
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from keras_lottery import backend, checks, masking
from keras_lottery.backend.global_state import preserved
from keras_lottery.compaction import compact as compacted
from keras_lottery.compaction import compaction_report
from keras_lottery.engine.executors.threads import cores
from keras_lottery.errors import LotteryError
from keras_lottery.exporters import variants
from keras_lottery.exporters.exporter import (
    Arrays,
    Exporter,
    Job,
    Request,
    Subject,
    exporters,
)
from keras_lottery.exporters.notes import notes_on
from keras_lottery.exporters.report import ExportReport, Measured, StoredVariable
from keras_lottery.exporters.signature import left_out
from keras_lottery.exporters.sizes import gzipped_bytes, plain_bytes
from keras_lottery.exporters.subprocess.reading import Reader, located
from keras_lottery.exporters.target import REPORT, TABLE, check_target, companion
from keras_lottery.exporters.verify import (
    answers,
    same_variables,
    share_of,
    stored_variables,
    subject_of,
    verify,
)
from keras_lottery.exporters.workspace import publish, workspace
from keras_lottery.exporters.writing import Writer
from keras_lottery.masking import arguments

_LARGE = 32 << 20  # bytes of weights from which it is worth collecting garbage


@preserved()
def export(
    model: Any,
    out: str | Path,
    format: str = "saved_model",
    *,
    compact: bool = False,
    quantize: str | None = None,
    inputs: Any = None,
    tolerance: float | None = None,
    assets: Mapping[str, bytes] | None = None,
    prunable: Collection[str] | None = None,
    dense: bool = True,
    origin: str = "",
) -> ExportReport:
    """Exports a model: folds in its masks, writes `out`, reloads it and compares outputs.

    Args:
        model: a Keras model, masked or plain, on any backend; not modified.
        out: a new folder or file, depending on the format. The report is written with it:
            `export.json` and `export.md` in the folder, or `<out>.export.json` and
            `<out>.export.md` next to the file.
        format: name of a registered format: `saved_model`, `packed`, `keras`, `litert`, ...
        compact: remove dead units and channels first; see `kl.compact`.
        quantize: `int8`: quantize the weights, with the format's own quantization or Keras'.
        inputs: a batch to compare on, as passed to the model; None: random. For a subclassed model
            that is called with several arguments, a dict by their names: Keras doesn't record
            optional ones, and the report notes those that were left out.
        tolerance: largest allowed difference between an output of the artifact and the model's;
            None: relative to each output's largest magnitude or 1e-3, 1e-4 for formats that run
            on Keras or TensorFlow, 1e-3 for others, 2e-2 in half precision or with Keras' int8,
            and 0.1 with the int8 of another library, which is compared with the float model.
        assets: other files to write like the report, by name, e.g. a vocabulary.
        prunable: paths of the variables that the report counts as prunable; None: those with a
            mask, or for a plain model those that `kl.mask` would mask.
        dense: also write and measure the dense network, then delete it.
        origin: a sentence on where the model comes from, the first note of the report.

    Returns:
        A report on the artifact, its comparison with the model, and its sizes and latency next to
        those of the dense network.

    Raises:
        LotteryError: `out` exists or cannot be written, the model cannot be saved, the format can't
            express it, or the artifact differs from it; no files are left behind.
        MissingExtraError: the format needs a package that is not installed.

    Example:
        >>> print(kl.export(model, "served"))
        >>> served = tf.saved_model.load("served")  # needs neither Keras nor this package
        >>> served.serve(x)
        >>> served.signatures["serving_default"](inputs=x)["outputs"]
        >>> served.weights["layers/dense/kernel"]
    """
    out = checks.file_path(out, "out")
    _check_assets(assets or {})
    exporter = check_target(format, out, quantize, assets or ())
    arguments.built_model(model)
    checks.truth(compact, "compact")
    checks.truth(dense, "dense")
    checks.text(origin, "origin")
    if tolerance is not None:
        checks.number(tolerance, "tolerance", least=0)
    if prunable is None:
        prunable = {*masking.get_masks(model)}
        prunable |= set() if prunable else {i.path for i in masking.describe(model) if i.prunable}
    order = _Order(
        exporter, format, out, compact, quantize, tolerance, frozenset(prunable), dense, origin
    )
    with (
        workspace(out) as folder,
        Writer(format, exporter, folder) as writer,
        Reader(exporter, backend.name(), folder) as reader,
    ):
        if writer.here:  # otherwise the other process gets the second core first
            reader.start()
        written = _written(order, model, inputs, folder, writer)
        reader.start()
        if sum(v.nbytes for v in written.variables) > _LARGE:
            gc.collect()  # Keras' models are cycles
        report = _verified(order, written, writer, reader)
        text = json.dumps(report.as_json(), indent=2) + "\n"
        files = {REPORT: text.encode(), TABLE: report.as_markdown().encode(), **(assets or {})}
        companions = {companion(out, exporter, name): data for name, data in files.items()}
        publish(folder, written.artifacts[0], out, companions)
    return report


def _check_assets(assets: Mapping[str, bytes]) -> None:
    for name, data in checks.instance(assets, Mapping, "assets").items():  # type: ignore[type-abstract]
        checks.instance(data, bytes, f"assets[{name!r}]")
        checks.text(name, "a name in assets")
        if not checks.is_path_name(name) or name in (REPORT, TABLE):
            raise LotteryError(
                f"Expected plain file names in `assets`, other than {REPORT} and {TABLE}. "
                f"Received: {name!r}. Rename it."
            )


@dataclass(frozen=True)
class _Order:
    """The arguments of an export."""

    exporter: Exporter
    format: str
    out: Path
    compact: bool
    quantize: str | None
    tolerance: float | None
    prunable: frozenset[str]
    dense: bool
    origin: str


@dataclass(frozen=True)
class _Written:
    """What an export needs once its models are saved: paths and numbers, no model.

    Args:
        artifacts: paths of the artifact and, if there is one, of the dense network.
        parts: how another process reads them.
        subject: the user's model's inputs and outputs.
        outputs: those of the model that was written, which may be quantized.
        variables: its variables.
        quantization: what quantized it, if anything.
        share: the allowed difference; see `verify`.
        flops: before and after compaction.
        left_out: arguments of the model's call that the signature leaves at their default.
        dense_parameters: number of weights of the dense network.
    """

    artifacts: list[Path]
    parts: list[Request]
    subject: Subject
    outputs: Arrays
    variables: tuple[StoredVariable, ...]
    quantization: str
    share: float
    flops: tuple[int, int]
    left_out: Sequence[str]
    dense_parameters: int = 0


def _written(order: _Order, model: Any, inputs: Any, folder: Path, writer: Writer) -> _Written:
    """Writes the artifact and the dense network to `folder`, or hands them to another process."""
    exporter = order.exporter
    plain = _plain(model, order.compact)
    # With the outputs of the user's model, so that a wrong copy is found.
    float_subject = replace(subject_of(model, masking.describe(model), inputs), model=plain)
    exporter.check(float_subject)
    exported, how = variants.quantized(plain, exporter, order.quantize)
    subject = _answered(float_subject, exported)
    variables = stored_variables(exported)
    own = "int8" if how and exported is plain else ""
    share = 0.1 if own else 2e-2 if how else exporter.share  # `own`: against the float model
    job = Job(exporter, subject, folder / f"artifact{exporter.suffix}", own)
    writer.write(job)
    written = _Written(
        artifacts=[job.artifact],
        parts=[located(job)],
        subject=replace(float_subject, model=None),
        outputs=subject.outputs,
        variables=variables,
        quantization=how,
        share=share_of(exported, share),
        flops=compaction_report(plain).flops if order.compact else (0, 0),
        left_out=left_out(model, subject.signature),
    )
    if not _has_dense(order, variables):
        return written
    copied = plain is not model or not writer.here
    base = plain if copied and not order.compact else masking.strip(model)
    dense = exporters[exporter.dense] if exporter.dense else exporter
    path = folder / f"dense{dense.suffix}"
    filled = Job(dense, replace(subject, model=base), path, fill=order.prunable)
    del plain, exported, float_subject, subject, job  # when `base` is another model
    writer.write(filled)
    return replace(
        written,
        artifacts=[*written.artifacts, path],
        parts=[*written.parts, located(filled)],
        dense_parameters=_parameters(base),
    )


def _verified(order: _Order, written: _Written, writer: Writer, reader: Reader) -> ExportReport:
    """Reloads the artifact, compares and measures it."""
    sizes: list[Future[tuple[int, int]]] = []

    def measured() -> Iterator[Request]:
        for part, artifact in zip(written.parts, written.artifacts):
            writer.wait()
            sizes.append(pool.submit(_sizes, artifact))
            if cores() == 1:  # compression would slow down what is timed
                sizes[-1].result()
            yield part
        writer.close()

    with ThreadPoolExecutor(1) as pool:
        reloaded = reader.read(measured(), written.subject)
        (bytes, gzipped), *of_dense = [size.result() for size in sizes]
    variables = written.variables
    if order.exporter.paths:
        same_variables(variables, reloaded.variables)
    difference, allowed = verify(written.outputs, reloaded.outputs, order.tolerance, written.share)
    stored, origin = reloaded.variables, [order.origin] if order.origin else []
    latency, how = reloaded.latency, written.quantization
    return ExportReport(
        path=order.out,
        format=order.format,
        bytes=bytes,
        gzipped_bytes=gzipped,
        plain_bytes=sum(v.nbytes for v in variables),
        max_abs_difference=difference,
        tolerance=allowed,
        inputs={spec.name: str(spec) for spec in written.subject.signature.inputs},
        outputs=tuple(sorted(reloaded.outputs or ())),
        variables=tuple(replace(v, prunable=v.path in order.prunable) for v in variables),
        versions=_versions(),
        stored=(sum(v.size for v in stored), sum(v.zeros for v in stored)),
        quantization=how,
        latency=latency.get("artifact", {}),
        dense=Measured(written.dense_parameters, *of_dense[0], latency.get("dense", {}))
        if of_dense
        else None,
        flops=written.flops,
        notes=(
            *origin,
            *notes_on(written.subject, reloaded, how, written.left_out),
            *reloaded.notes,
        ),
    )


def _plain(model: Any, compact: bool) -> Any:
    """Returns a model without masks: the model itself if it has none and isn't compacted."""
    if compact:
        return compacted(model)
    return masking.strip(model) if masking.is_masked(model) else model


def _answered(subject: Subject, model: Any) -> Subject:
    """Returns the subject with another model and its outputs."""
    if model is subject.model:
        return subject
    outputs = answers(model, subject.signature, subject.inputs)
    return replace(subject, model=model, outputs=outputs)


def _has_dense(order: _Order, variables: tuple[StoredVariable, ...]) -> bool:
    """Returns whether the dense network is wanted, and is another one."""
    zeros = any(v.zeros for v in variables if v.path in order.prunable)
    differs = zeros or order.compact or order.quantize or order.exporter.dense
    return order.dense and order.exporter.compared and bool(differs)


def _sizes(artifact: Path) -> tuple[int, int]:
    return plain_bytes(artifact), gzipped_bytes(artifact)


def _parameters(model: Any) -> int:
    return sum(math.prod(variable.shape) for variable in masking.variables(model).values())


def _versions() -> dict[str, str]:
    import keras

    return {
        "python": platform.python_version(),
        "keras": keras.__version__,
        "keras_lottery": version("keras-lottery"),
        "backend": keras.config.backend(),
    }
