"""The results table: rows of ratios, kept as JSON for each backend, and drawn as one page."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.compare import Sample

PAGE = Path(__file__).with_name("results.md")
DATA = Path(__file__).with_name("results.json")

_HEAD = """# Results of the benchmarks

Written by `make bench`. Every ratio is the time of *measured* divided by the time of *baseline*,
taken alternately in one process (compilation excluded): the median over the pairs and its 95 %
interval. A threshold is met if the median is within it or the interval contains it. All other
numbers are medians, and depend on how busy the machine was: see its load.
"""
_COLUMNS = ("case", "measured", "baseline", "ratio", "pairs", "threshold", "")


@dataclass(frozen=True)
class Row:
    """One comparison.

    Args:
        case: what was compared, e.g. `LeNet-300-100, batch 60, Adam`.
        this: the candidate and its rate, e.g. `masked step: 1,430 steps/s`.
        against: the reference and its rate.
        median: median over the pairs of the time of `this` divided by the time of `against`.
        low: lower end of its 95 % interval.
        high: upper end.
        pairs: number of pairs.
        limit: upper limit of the ratio; None: no limit.
        held: whether it held; None without a limit.
    """

    case: str
    this: str
    against: str
    median: float
    low: float
    high: float
    pairs: int
    limit: float | None = None
    held: bool | None = None

    @classmethod
    def of(
        cls, case: str, this: str, against: str, ratio: Sample, limit: float | None = None
    ) -> "Row":
        """Returns the row of a measured ratio."""
        held = None if limit is None else ratio.holds(limit)
        low, high = ratio.interval
        return cls(case, this, against, ratio.median, low, high, len(ratio.values), limit, held)

    def cells(self) -> list[str]:
        """Returns the text of each column."""
        ratio = f"{self.median:.3g} [{self.low:.3g}, {self.high:.3g}]"
        limit = "" if self.limit is None else f"≤ {self.limit:g}"
        held = {None: "", True: "met", False: "**not met**"}[self.held]
        return [self.case, self.this, self.against, ratio, str(self.pairs), limit, held]


@dataclass(frozen=True)
class Section:
    """What one benchmark measured on one backend.

    Args:
        benchmark: its name, e.g. `masked_step`.
        backend: `tensorflow`, `jax`, `torch` or `numpy`.
        about: one sentence on what is compared.
        rows: the comparisons.
        notes: lines of text below the rows, e.g. a breakdown.
        machine: where it was measured.
    """

    benchmark: str
    backend: str
    about: str
    rows: list[Row]
    notes: list[str]
    machine: dict[str, str]

    @property
    def key(self) -> str:
        return f"{self.benchmark} {self.backend}"

    @classmethod
    def load(cls, record: dict[str, Any]) -> "Section":
        return cls(**record | {"rows": [Row(**row) for row in record["rows"]]})


def machine(*packages: str) -> dict[str, str]:
    """Returns what the numbers depend on: processor, cores, load, versions."""
    from importlib.metadata import version

    facts = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
    }
    return facts | {name: version(name) for name in packages}


def merge(
    sections: Iterable[Section],
    data: Path = DATA,
    page: Path = PAGE,
    expected: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Replaces the sections of the same benchmark and backend; others stay.

    Args:
        sections: what was measured.
        data: the JSON with all sections.
        page: the page to draw.
        expected: backends by benchmark; the page names those without a section.
    """
    kept = {}
    if data.exists():
        kept = {s.key: s for s in map(Section.load, json.loads(data.read_text()))}
    kept |= {s.key: s for s in sections}
    ordered = [kept[key] for key in sorted(kept)]
    data.write_text(json.dumps([asdict(s) for s in ordered], indent=1) + "\n")
    known = {(s.benchmark, s.backend) for s in ordered}
    missing = [f"`{b}` on {k}" for b, keys in expected.items() for k in keys if (b, k) not in known]
    page.write_text(draw(ordered, missing))


def draw(sections: Iterable[Section], missing: Sequence[str] = ()) -> str:
    """Returns the page."""
    lines = [_HEAD]
    if missing:
        lines += [f"Not measured yet: {', '.join(missing)}.", ""]
    last = ""
    for section in sections:
        if section.benchmark != last:
            lines += [f"## {section.benchmark}", "", section.about, ""]
        last = section.benchmark
        lines += [f"### {section.benchmark} on {section.backend}", ""]
        lines += [_line(_COLUMNS), _line("---" for _ in _COLUMNS)]
        lines += [_line(row.cells()) for row in section.rows]
        lines += ["", *section.notes, *([""] if section.notes else [])]
        lines += [", ".join(f"{k} {v}" for k, v in section.machine.items()) + ".", ""]
    return "\n".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
