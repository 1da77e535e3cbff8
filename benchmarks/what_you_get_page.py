"""The data and the page of `benchmarks.what_you_get`, with the decision table."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from keras_lottery.files import write_text
from keras_lottery.report.document import Block, Bullets, Heading, Table, Text
from keras_lottery.report.markdown import to_markdown

PAGE = Path(__file__).resolve().parents[1] / "docs/what_you_get.md"
BATCHES = (1, 32)
DENSE_FORMATS = ("saved_model", "litert", "litert int8", "onnx", "openvino")
FOR_ZEROS = ("packed", "litert_sparse")
"""Formats that gain from zeros; a compacted network has none."""
FORMATS = ("saved_model", "packed", "litert", "litert_sparse", "litert int8", "onnx", "openvino")
BASE = {"packed": "saved_model", "litert_sparse": "litert", "litert int8": "litert"}
"""The format of the dense network with which a format is compared, if it is another."""
KERAS_ONLY = ("saved_model", "packed")
_CLOSE = 0.05
_LOSS = 0.01
_WIDE = 1.5
_NINETY = "90% of weights"
_TYPICAL = (("weights", 0.9), ("channels", 0.5))


@dataclass(frozen=True)
class Row:
    """One artifact.

    Args:
        network: name.
        pattern: `dense`, `weights` or `channels`.
        sparsity: fraction removed.
        format: one of `FORMATS`.
        bytes: on disk.
        gzipped: bytes as `.tar.gz`.
        accuracy: on the test images; None: the network isn't trained.
        milliseconds: of one call, by batch size.
        ratio: time of a call divided by that of the dense network in the same format, or in `BASE`.
        interval: 95 % interval of the ratio.
        of_saved_model: the same, divided by that of the dense network's SavedModel.
        of_saved_model_interval: its 95 % interval.
        error: why there is no artifact.
    """

    network: str
    pattern: str
    sparsity: float
    format: str
    bytes: int = 0
    gzipped: int = 0
    accuracy: float | None = None
    milliseconds: Mapping[str, float] = field(default_factory=dict)
    ratio: Mapping[str, float] = field(default_factory=dict)
    interval: Mapping[str, Sequence[float]] = field(default_factory=dict)
    of_saved_model: Mapping[str, float] = field(default_factory=dict)
    of_saved_model_interval: Mapping[str, Sequence[float]] = field(default_factory=dict)
    error: str = ""

    @property
    def removed(self) -> str:
        """What is removed, in words."""
        return self.pattern if self.pattern == "dense" else f"{self.sparsity:.0%} of {self.pattern}"


@dataclass(frozen=True)
class Results:
    """All that was measured.

    Args:
        rows: by network, what is removed, and format.
        about: a sentence per network.
        machine: where each network was measured.
    """

    rows: tuple[Row, ...] = ()
    about: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def has(self, network: str, pattern: str, sparsity: float) -> bool:
        """Returns whether a variant is measured."""
        return any(
            (network, pattern, sparsity) == (r.network, r.pattern, r.sparsity) for r in self.rows
        )

    def about_network(self, name: str, about: str) -> "Results":
        """Returns the results without those of the network on other data."""
        rows = self.rows
        if self.about.get(name, about) != about:
            rows = tuple(row for row in rows if row.network != name)
        return Results(rows, {**self.about, name: about}, self.machine)

    def with_rows(self, rows: Sequence[Row], machine: Mapping[str, str]) -> "Results":
        """Returns the results with the rows of one more variant."""
        return Results((*self.rows, *rows), self.about, {**self.machine, rows[0].network: machine})

    def find(self, network: str, removed: str, format: str) -> Row | None:
        """Returns an artifact's row; None: not measured, or not written."""
        for row in self.rows:
            if (row.network, row.removed, row.format) == (network, removed, format):
                return None if row.error else row
        return None

    def base(self, row: Row) -> Row | None:
        """Returns the row of the dense network that a row is compared with."""
        return self.find(row.network, "dense", BASE.get(row.format, row.format))


def read(page: Path) -> Results:
    """Returns the data next to a page; empty if there are none."""
    path = page.with_suffix(".json")
    if not path.is_file():
        return Results()
    kept = json.loads(path.read_text("utf-8"))
    return Results(tuple(Row(**row) for row in kept["rows"]), kept["about"], kept["machine"])


def write(page: Path, results: Results) -> None:
    """Writes the page and its data."""
    record = asdict(results)
    rows = ",\n".join(json.dumps(row) for row in record.pop("rows"))
    text = f'{{"rows": [\n{rows}\n],\n{json.dumps(record)[1:]}\n'
    write_text(page.with_suffix(".json"), text)
    write_text(page, to_markdown(content(results)))


def content(results: Results) -> list[Block]:
    """Returns the blocks of the page."""
    names = list(dict.fromkeys(row.network for row in results.rows))
    blocks: list[Block] = [
        Heading("What you get", 1),
        Text(
            "Bytes, latency and accuracy of pruned networks in each format, against the dense "
            "network. The last table says which pattern and format to use. "
            "`python -m benchmarks.what_you_get --data-dir=DATA --ptb-dir=PTB` regenerates this "
            "page, and can be resumed."
        ),
        Text(
            "*Weights* means unstructured pruning. Channels are removed by "
            "`kl.compact`. Latency is the median call on one CPU thread; a variant's artifacts and "
            "the dense ones take turns in one process. Gzipped: size as `.tar.gz`. The dense "
            "network is always float, even next to `litert int8`, and isn't trained for the "
            "further epochs in which pruned ones are fine-tuned; `packed` is compared with "
            "`saved_model`, `litert_sparse` with `litert`."
        ),
        *_unstructured(results),
    ]
    reasons: list[str] = []
    for name in names:
        blocks += _network(results, name, reasons)
    blocks += [Heading("Which pattern and format"), *_decisions(results, names)]
    if reasons:
        blocks.append(Heading("What could not be written"))
        blocks += [Text(f"{number}. {reason}") for number, reason in enumerate(reasons, 1)]
    blocks += [Heading("Where it was measured"), *_machines(results)]
    return blocks


def _unstructured(results: Results) -> list[Block]:
    """Returns where unstructured sparsity gains, and where it doesn't."""
    lines, gains = [], {}
    for form in FORMATS:
        if "int8" in form:
            continue  # is compared with a float network, so its gains aren't those of zeros
        rows = [row for row in results.rows if (row.removed, row.format) == (_NINETY, form)]
        pairs = [(row, base) for row in rows if (base := results.base(row)) and not row.error]
        if not pairs:
            continue
        gains[form] = {
            "bytes": [row.bytes / base.bytes for row, base in pairs],
            "gzipped": [row.gzipped / base.gzipped for row, base in pairs],
            **{f"batch {b}": [row.ratio[str(b)] for row, _ in pairs] for b in BATCHES},
        }
        lines.append([f"`{form}`", *map(_range, gains[form].values())])
    if not lines:
        return []
    header = ["format", "bytes", "gzipped", *(f"time, batch {b}" for b in BATCHES)]
    note = "Fraction of the dense network's, median over the networks and range."
    none = {
        "The file stays as large, unzipped": lambda m: median(m["bytes"]) > 1 - _CLOSE,
        "The median call gets at most 10 % faster": lambda m: (
            min(median(m[f"batch {b}"]) for b in BATCHES) > 0.9
        ),
    }
    return [
        Heading("Where 90 % unstructured sparsity gains nothing"),
        Bullets(
            [
                f"{text}: {_listed(f for f, m in gains.items() if holds(m))}."
                for text, holds in none.items()
            ]
        ),
        Table("90 % of the weights removed", header, lines, note),
    ]


def _network(results: Results, name: str, reasons: list[str]) -> list[Block]:
    """Returns the tables of one network; appends why formats are missing to `reasons`."""
    rows = [row for row in results.rows if row.network == name]
    variants = list(dict.fromkeys(row.removed for row in rows))
    formats = [form for form in FORMATS if any(row.format == form for row in rows)]

    def table(title: str, cell: Callable[[Row, Row], str], note: str) -> Table:
        lines = []
        for variant in variants:
            cells = [variant]
            for form in formats:
                row = next((r for r in rows if (r.removed, r.format) == (variant, form)), None)
                if row is None:
                    cells.append("")
                elif row.error:
                    if row.error not in reasons:
                        reasons.append(row.error)
                    cells.append(f"no [{reasons.index(row.error) + 1}]")
                else:
                    base = results.base(row)
                    cells.append("–" if base is None else cell(row, base))
            lines.append(cells)
        return Table(title, ["removed", *(f"`{form}`" for form in formats)], lines, note)

    blocks: list[Block] = [
        Heading(name),
        Text(results.about[name]),
        table("Bytes / gzipped", _size, "In kB for the dense network, else as a fraction of it."),
        table(
            "Time of a call, batch 1 / batch 32",
            _time,
            "In milliseconds for the dense network, else as a fraction of it, the median of the "
            f"pairs. A question mark: its 95 % interval spans more than a factor of {_WIDE}.",
        ),
    ]
    if any(row.accuracy is not None for row in rows):
        blocks.append(table("Accuracy", lambda row, _: f"{row.accuracy:.1%}", ""))
    return blocks


def _size(row: Row, base: Row) -> str:
    if row.pattern == "dense":
        return f"{row.bytes / 1e3:,.0f} / {row.gzipped / 1e3:,.0f}"
    return f"{row.bytes / base.bytes:.2f} / {row.gzipped / base.gzipped:.2f}"


def _time(row: Row, base: Row) -> str:
    values = row.milliseconds if row.pattern == "dense" else row.ratio
    form = ".3g" if row.pattern == "dense" else ".2f"
    marks = {
        b: "?" * (row.pattern != "dense" and wide(interval)) for b, interval in row.interval.items()
    }
    return " / ".join(
        f"{values[str(b)]:{form}}{marks.get(str(b), '')}" if str(b) in values else "–"
        for b in BATCHES
    )


def wide(interval: Sequence[float]) -> bool:
    """Returns whether an interval spans a larger factor than what a page should rely on."""
    return interval[1] > _WIDE * interval[0]


def _decisions(results: Results, names: Sequence[str]) -> list[Block]:
    """Returns the table of decisions, computed from the rows."""
    targets: dict[str, tuple[Callable[[Row], float], Callable[[Row], bool]]] = {
        "smallest file": (lambda row: row.bytes, lambda _: True),
        "smallest download (gzipped)": (lambda row: row.gzipped, lambda _: True),
        "lowest latency, batch 1": (lambda row: _milliseconds(results, row, "1"), _is_timed),
        "lowest latency, batch 32": (lambda row: _milliseconds(results, row, "32"), _is_timed),
        "no runtime but TensorFlow, smallest": (lambda row: row.bytes, _plain_tensorflow),
        "no runtime but TensorFlow, fastest at batch 1": (
            lambda row: _milliseconds(results, row, "1"),
            lambda row: _plain_tensorflow(row) and _is_timed(row),
        ),
        "no runtime but TensorFlow, fastest at batch 32": (
            lambda row: _milliseconds(results, row, "32"),
            lambda row: _plain_tensorflow(row) and _is_timed(row),
        ),
    }
    lines = []
    for target, (value, allowed) in targets.items():
        cells = [target]
        for name in names:
            rows = [row for row in _acceptable(results, name) if allowed(row)]
            if batch := target.rpartition("batch ")[2] * ("batch" in target):
                rows = [r for r in rows if not wide(r.interval.get(batch, (1, 1)))]
            best = min(rows, key=value, default=None)
            cells.append("–" if best is None else _decision(results, best, value))
        lines.append(cells)
    return [
        Table(
            "",
            ["target", *names],
            lines,
            f"The best artifact for a target, and its value as a fraction of the dense "
            f"SavedModel's. For trained networks, among those that lose at most {_LOSS:.0%} of "
            "accuracy against the dense network; for the others, among the dense network, 90 % of "
            "the weights and 50 % of the channels, in each format. Whether a network of yours "
            "keeps its accuracy there is for you to measure. Latencies whose interval spans more "
            f"than a factor of {_WIDE} don't take part.",
        )
    ]


def _milliseconds(results: Results, row: Row, batch: str) -> float:
    """Returns the time of a call from the ratio, which a busy machine changes least."""
    base = results.base(row)
    if base is None or batch not in row.ratio:
        return float("inf")
    return row.ratio[batch] * base.milliseconds[batch]


def _plain_tensorflow(row: Row) -> bool:
    return row.format in KERAS_ONLY


def _is_timed(row: Row) -> bool:
    """Returns whether a format has a speed: `packed` is decoded into the dense network."""
    return row.format != "packed"


def _acceptable(results: Results, name: str) -> list[Row]:
    """Returns the artifacts to choose from."""
    rows = [row for row in results.rows if row.network == name and not row.error]
    dense = results.find(name, "dense", "saved_model")
    if dense is None:
        return []
    if dense.accuracy is None:
        return [
            row for row in rows if row.pattern == "dense" or (row.pattern, row.sparsity) in _TYPICAL
        ]
    least = dense.accuracy - _LOSS
    return [row for row in rows if row.accuracy is not None and row.accuracy >= least]


def _decision(results: Results, row: Row, value: Callable[[Row], float]) -> str:
    dense = results.find(row.network, "dense", "saved_model")
    share = "" if dense is None else f" ({value(row) / value(dense):.2g})"
    return f"{row.removed}, `{row.format}`{share}"


def _machines(results: Results) -> list[Block]:
    """Returns a line per machine, with the networks measured there."""
    groups: dict[str, list[str]] = {}
    for name, facts in results.machine.items():
        text = ", ".join(f"{key} {value}" for key, value in facts.items() if "load" not in key)
        groups.setdefault(text, []).append(f"{name} (load {facts['load at the start']})")
    return [Text(f"{', '.join(names)}: {facts}.") for facts, names in groups.items()]


def _range(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def _listed(forms: Iterable[str]) -> str:
    return ", ".join(f"`{form}`" for form in forms) or "in no format"
