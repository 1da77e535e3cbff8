"""Writes the table of exports in docs/export.md: every format, kind of network and backend.

`python -m benchmarks.export_table` writes, reloads and verifies each of them. A backend's part can
be made alone, with `--backends=jax` or `--models=BERT`; the other parts are kept.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from absl import app, flags

import keras_lottery as kl
from benchmarks.export_models import MODELS, pruned
from keras_lottery import backend, masking
from keras_lottery.errors import reason_of
from keras_lottery.exporters import exporters, variants, writing
from keras_lottery.exporters.exporter import Job, Request
from keras_lottery.exporters.subprocess import reading
from keras_lottery.exporters.subprocess.child import load_arrays, run_child, save_arrays
from keras_lottery.exporters.verify import subject_of, worst_output

BACKENDS = ("tensorflow", "jax", "torch")
FORMATS = (
    "saved_model",
    "packed",
    "keras",
    "safetensors",
    "litert",
    "litert_sparse",
    "litert int8",
    "onnx",
    "onnx int8",
    "openvino",
)
_HERE = "benchmarks.export_table"
_PAGE = Path(__file__).parent.parent / "docs" / "export.md"
_DATA = Path(__file__).parent / "export_table.json"
_START, _END = "<!-- table of exports -->", "<!-- end of the table -->"
_LIST = flags.DEFINE_list("backends", list(BACKENDS), "Backends to export on.")
_MODELS = flags.DEFINE_list("models", [], "Networks to export; default: all.")
_PART = flags.DEFINE_string("part", "", "Internal: the file of one backend's outcomes.")

Outcomes = dict[str, dict[str, str]]


def measure(path: Path) -> None:
    """Writes the outcomes of the backend in use to a file.

    To start few processes, all artifacts that this backend can't write are written in one other
    process, and all are read in one more, by each format's own runtime.
    """
    outcomes: Outcomes = {form: {} for form in FORMATS}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        jobs = dict(_jobs(folder, outcomes))
        remote = {key: job for key, job in jobs.items() if not writing.is_here(job.exporter)}
        failures = {key: reason for key, job in jobs.items() if (reason := _save_here(job))}
        requests = {key: writing.request_of(job, folder) for key, job in remote.items()}
        if requests:
            work = f"{_HERE}:save_all"
            failures |= run_child(work, {"jobs": requests}, "tensorflow", "artifacts")
        read = {}
        for key, job in jobs.items():
            if key not in failures:
                np.savez(folder / f"{key}.in.npz", **job.subject.inputs)  # type: ignore[arg-type]
                read[key] = reading.located(job)
        request = {"parts": read, "folder": str(folder)}
        failures |= run_child(f"{_HERE}:read_all", request, backend.name(), "outputs")
        for key, job in jobs.items():
            form, _, model = key.partition("@")
            outcomes[form][model] = failures.get(key) or _verified(key, job, folder)
    path.write_text(json.dumps(outcomes))


def _jobs(folder: Path, outcomes: Outcomes) -> Iterator[tuple[str, Job]]:
    """Yields what to write, by format and network; notes what can't be quantized."""
    for model in _MODELS.value or MODELS:
        masked = pruned(model)
        subject = subject_of(kl.strip(masked), masking.describe(masked))
        for form in FORMATS:
            name, _, quantize = form.partition(" ")
            exporter = exporters[name]
            try:
                exported, how = variants.quantized(subject.model, exporter, quantize or None)
            except kl.LotteryError as error:
                outcomes[form][model] = str(error)
                continue
            own = quantize if how and exported is subject.model else ""
            key = f"{form}@{model}"
            yield key, Job(exporter, subject, folder / f"{key}{exporter.suffix}", own)


def _save_here(job: Job) -> str:
    """Writes what the backend in use can write; returns why not."""
    if not writing.is_here(job.exporter):
        return ""
    try:
        writing.save_here(job, "a model that the format can express")
    except kl.LotteryError as error:
        return str(error)
    return ""


def save_all(request: Request) -> Request:
    """Writes the jobs of a request; returns why not, by key."""
    failures = {}
    for key, job in request["jobs"].items():
        try:
            writing.save(job)
        except Exception as error:
            failures[key] = writing.named_operation(error)
    return failures


def read_all(request: Request) -> Request:
    """Runs the artifacts of a request, and writes their outputs; returns why not, by key."""
    failures = {}
    for key, part in request["parts"].items():
        given = Path(request["folder"]) / key
        try:
            loaded = reading.load(part)
            values = dict(loaded.tensors())
            zeros = sum(int(value.size - np.count_nonzero(value)) for value in values.values())
            if loaded.call is not None:
                outputs = loaded.call(load_arrays(given.with_name(f"{key}.in.npz")))
                save_arrays(given.with_name(f"{key}.out.npz"), outputs)
            else:
                save_arrays(given.with_name(f"{key}.out.npz"), values)
            given.with_name(f"{key}.zeros").write_text(str(zeros))
        except Exception as error:
            failures[key] = reason_of(error)
    return failures


def _verified(key: str, job: Job, folder: Path) -> str:
    """Compares an artifact's outputs, or its weights, and counts its zeros."""
    found, expected = load_arrays(folder / f"{key}.out.npz"), job.subject.outputs
    variables = masking.variables(job.subject.model)
    if key.startswith("safetensors"):
        expected = {p: keras.ops.convert_to_numpy(v.value) for p, v in variables.items()}
    if found.keys() != expected.keys():
        return f"Other outputs: {', '.join(sorted(found))}."
    share = 0.1 if job.quantize else job.exporter.share
    name, difference, allowed = worst_output(expected, found, share)
    if difference > allowed:
        return f"{name} differs by {difference:.1e}; {allowed:.1e} is allowed."
    masks = masking.describe(job.subject.model)
    wanted = sum(
        int((keras.ops.convert_to_numpy(variables[info.path].value) == 0).sum())
        for info in masks
        if info.prunable
    )
    zeros = int((folder / f"{key}.zeros").read_text())
    return f"verified {difference:.0e}" if zeros >= wanted else f"{wanted - zeros} zeros are lost."


def table(data: dict[str, Outcomes]) -> str:
    """Returns the Markdown of all backends' outcomes; reasons are numbered below the table."""
    reasons: list[str] = []

    def cell(found: dict[str, str]) -> str:
        shown = {backend: _shown(text, reasons) for backend, text in found.items()}
        if not shown:
            return "not run"
        if len(set(shown.values())) == 1 and len(shown) == len(BACKENDS):
            return next(iter(shown.values()))
        return "<br>".join(f"{text} ({backend})" for backend, text in shown.items())

    models = list(MODELS)
    lines = [f"| | {' | '.join(models)} |", f"|---|{'---|' * len(models)}"]
    for form in FORMATS:
        cells = [
            cell({b: part[form][m] for b, part in data.items() if m in part.get(form, {})})
            for m in models
        ]
        lines.append(f"| `{form}` | {' | '.join(cells)} |")
    notes = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    return "\n".join([*lines, "", *notes])


def _shown(text: str, reasons: list[str]) -> str:
    if text.startswith("verified"):
        return "yes"
    if text not in reasons:
        reasons.append(text)
    return f"no [{reasons.index(text) + 1}]"


def write(data: dict[str, Outcomes]) -> None:
    """Replaces the table in the page."""
    before, _, rest = _PAGE.read_text().partition(_START)
    _, _, after = rest.partition(_END)
    _PAGE.write_text(f"{before}{_START}\n\n{table(data)}\n\n{_END}{after}")


def main(_: list[str]) -> None:
    if _PART.value:
        measure(Path(_PART.value))
        return
    data: dict[str, Outcomes] = json.loads(_DATA.read_text()) if _DATA.exists() else {}
    for chosen in _LIST.value:
        with tempfile.TemporaryDirectory() as folder:
            part = Path(folder) / "part.json"
            command = [sys.executable, "-m", "benchmarks.export_table", f"--part={part}"]
            command += [f"--models={','.join(_MODELS.value)}"]
            environment = os.environ | {"KERAS_BACKEND": chosen, "TF_CPP_MIN_LOG_LEVEL": "3"}
            subprocess.run(command, env=environment, check=False)
            if part.exists():
                for form, row in json.loads(part.read_text()).items():
                    data.setdefault(chosen, {}).setdefault(form, {}).update(row)
    _DATA.write_text(json.dumps({b: data[b] for b in BACKENDS if b in data}, indent=1) + "\n")
    write(data)


if __name__ == "__main__":
    app.run(main)
