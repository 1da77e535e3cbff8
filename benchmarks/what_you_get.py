"""Measures what pruning gains in every format, and writes docs/what_you_get.md.

    python -m benchmarks.what_you_get [--data-dir=DATA] [--networks=MLP,BERT] [--quick]

Each network is pruned to five sparsities of weights and three of channels. Sizes, latency against
the dense network and, where it is trained, accuracy are those of the artifact in its own runtime,
on one thread. A variant's artifacts and the dense ones are timed in turn, in one process.
docs/what_you_get.json keeps every variant as soon as it is measured, so the same command resumes.
--data-dir is a prepared folder of tensorflow-datasets with mnist and cifar10; without it, the
image classifiers are trained on the digits of scikit-learn. --ptb-dir is a folder with the Penn
Treebank; without it, the tagger has random weights.
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ |= {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "OMP_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "CUDA_VISIBLE_DEVICES": "-1",
}

import keras
import numpy as np
from numpy.typing import NDArray

from benchmarks import what_you_get_page as page
from benchmarks.compare import in_turn, ratios
from benchmarks.table import machine
from benchmarks.what_you_get_networks import DENSE, VARIANTS, Network, Variant, networks
from benchmarks.what_you_get_page import BATCHES, FORMATS, Row
from keras_lottery import backend, masking
from keras_lottery.errors import LotteryError
from keras_lottery.exporters import exporters, sizes, writing
from keras_lottery.exporters.export_model import subject_of
from keras_lottery.exporters.exporter import Arrays, Job, Subject
from keras_lottery.exporters.subprocess import reading
from keras_lottery.exporters.verify import output_difference

PAIRS, QUICK_PAIRS = 15, 1
_CALL_SECONDS, _MOST_CALLS = 0.005, 50
Call = Callable[[Arrays], Arrays]
Seconds = dict[str, NDArray[np.float64]]


class Artifacts:
    """The artifacts of one network in every format that can express it.

    Args:
        model: without masks.
        formats: names from `FORMATS`.
        folder: where to write.
    """

    def __init__(self, model: keras.Model, formats: Sequence[str], folder: Path) -> None:
        self.subject: Subject = subject_of(model, masking.describe(model))
        self.bytes: dict[str, tuple[int, int]] = {}
        self.calls: dict[str, Call] = {}
        self.errors: dict[str, str] = {}
        folder.mkdir(parents=True)
        for form in formats:
            try:
                self._add(form, folder)
            except LotteryError as error:
                self.errors[form] = str(error)

    def _add(self, form: str, folder: Path) -> None:
        name, _, quantize = form.partition(" ")
        exporter = exporters[name]
        path = folder / f"{form.replace(' ', '_')}{exporter.suffix}"
        job = Job(exporter, self.subject, path, quantize)
        writing.save_here(job, f"a network that {form} can express")
        call = reading.load(reading.located(job)).call
        if call is None:
            raise LotteryError(f"Expected a format that runs. Received: {form}. Leave it out.")
        found = call(self.subject.inputs)
        difference, magnitude = output_difference(self.subject.outputs, found)
        if not quantize and not difference <= exporter.share * max(1.0, magnitude):
            raise LotteryError(
                f"Expected equal outputs. Received: a difference of {difference:.1e} from {form}. "
                "Report it."
            )
        self.bytes[form] = sizes.plain_bytes(path), sizes.gzipped_bytes(path)
        self.calls[form] = call


def accuracy(call: Call, name: str, test: tuple[np.ndarray, np.ndarray] | None) -> float | None:
    """Returns the fraction of the test images that an artifact classifies correctly."""
    if test is None:
        return None
    x, y = test
    batches = np.array_split(x, max(1, len(x) // 250))
    found = [next(iter(call({name: batch}).values())).argmax(-1) for batch in batches]
    return float(np.mean(np.concatenate(found) == y))


def latencies(calls: Mapping[str, Call], inputs: Arrays, pairs: int) -> dict[str, Seconds]:
    """Returns the seconds of calls that take turns, by batch size and name, shape (pairs,)."""
    found = {}
    for batch in BATCHES:
        given = {name: np.resize(v, (batch, *v.shape[1:])) for name, v in inputs.items()}
        repeats = {name: _repeats(call, given) for name, call in calls.items()}
        candidates = {name: _repeated(call, given, repeats[name]) for name, call in calls.items()}
        seconds = in_turn(candidates, pairs)
        found[str(batch)] = {name: values / repeats[name] for name, values in seconds.items()}
    return found


def _repeats(call: Call, inputs: Arrays) -> int:
    """Returns how often a call is repeated in one timing, so that caches are warm."""
    call(inputs)
    start = time.perf_counter()
    call(inputs)
    seconds = time.perf_counter() - start
    return min(_MOST_CALLS, max(1, math.ceil(_CALL_SECONDS / seconds)))


def _repeated(call: Call, inputs: Arrays, times: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(times):
            call(inputs)

    return run


def measure(
    network: Network, variant: Variant, dense: Artifacts, kept: Path, folder: Path, pairs: int
) -> list[Row]:
    """Returns the rows of one variant of a network, one per format.

    Args:
        network: the network.
        variant: what is removed from it.
        dense: its dense artifacts.
        kept: folder of trained networks.
        folder: where to write artifacts.
        pairs: timings of each artifact.
    """
    if variant == DENSE:
        own = dense
    else:
        formats = [f for f in FORMATS if variant.pattern == "weights" or f not in page.FOR_ZEROS]
        own = Artifacts(network.variant(variant, kept), formats, folder / str(variant))
    calls = {f"dense {form}": call for form, call in dense.calls.items()}
    if own is not dense:
        calls |= own.calls
    seconds = latencies(calls, own.subject.inputs, pairs)
    test, (name, *_) = network.test(), own.subject.inputs
    prefix = "dense " if own is dense else ""
    rows = []
    for form in [*own.calls, *own.errors]:
        row = Row(network.name, variant.pattern, variant.sparsity, form)
        if form in own.errors:
            rows.append(replace(row, error=own.errors[form]))
            continue
        base = f"dense {page.BASE.get(form, form)}"
        rows.append(
            replace(
                row,
                bytes=own.bytes[form][0],
                gzipped=own.bytes[form][1],
                accuracy=accuracy(own.calls[form], name, test),
                **_times(seconds, f"{prefix}{form}", base),
            )
        )
    return rows


def _times(seconds: Mapping[str, Seconds], name: str, base: str) -> dict[str, Any]:
    """Returns the fields of a row that are times, by batch size.

    Ratios are medians over the pairs, since a busy machine slows down both of a pair.
    """
    samples = {b: ratios(values, name, base) for b, values in seconds.items() if base in values}
    against = {b: ratios(values, name, "dense saved_model") for b, values in seconds.items()}
    return {
        "milliseconds": {b: 1e3 * float(np.median(v[name])) for b, v in seconds.items()},
        "ratio": {b: sample.median for b, sample in samples.items()},
        "interval": {b: list(sample.interval) for b, sample in samples.items()},
        "of_saved_model": {b: sample.median for b, sample in against.items()},
        "of_saved_model_interval": {b: list(sample.interval) for b, sample in against.items()},
    }


def run(chosen: Mapping[str, Network], out: Path, kept: Path, pairs: int) -> None:
    """Measures what the page's data lack, and writes the page after every variant."""
    facts = machine("numpy", "keras", "tensorflow", "ai-edge-litert", "onnxruntime", "openvino")
    for name, network in chosen.items():
        results = page.read(out).about_network(name, network.about)
        missing = [v for v in VARIANTS if not results.has(name, v.pattern, v.sparsity)]
        if not missing:
            continue
        with TemporaryDirectory() as place:
            folder = Path(place)
            dense = Artifacts(network.variant(DENSE, kept), page.DENSE_FORMATS, folder / "dense")
            for variant in missing:
                rows = measure(network, variant, dense, kept, folder, pairs)
                # Another process may have measured other networks meanwhile.
                results = page.read(out).about_network(name, network.about)
                page.write(out, results.with_rows(rows, facts))
                print(f"{name}, {variant}: measured", flush=True)
    page.write(out, page.read(out))


def main(arguments: Sequence[str]) -> int:
    """Measures and writes the page; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.what_you_get",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data-dir", default="", help="prepared folder of tensorflow-datasets")
    parser.add_argument("--ptb-dir", default="", help="folder of the Penn Treebank")
    parser.add_argument("--networks", default="", help="names with commas; default: all")
    parser.add_argument("--out", type=Path, default=page.PAGE, help="the page to write")
    parser.add_argument("--kept", type=Path, default=Path("runs/what_you_get"), help="networks")
    parser.add_argument("--quick", action="store_true", help="little training; measures nothing")
    options = parser.parse_args(arguments)
    if backend.name() != "tensorflow":
        print("what_you_get: set KERAS_BACKEND=tensorflow, which writes all formats.")
        return 2
    known = networks(options.data_dir, options.ptb_dir, options.quick)
    names = options.networks.split(",") if options.networks else list(known)
    if unknown := [name for name in names if name not in known]:
        print(f"what_you_get: no network {unknown[0]!r}; there are {', '.join(known)}.")
        return 2
    chosen = {name: known[name] for name in names}
    run(chosen, options.out, options.kept, QUICK_PAIRS if options.quick else PAIRS)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
