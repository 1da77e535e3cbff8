"""The sections on torch: its global mask, and the losses of a plain loop."""

from collections.abc import Sequence
from typing import Any

from benchmarks.validation.figures import draw_losses
from benchmarks.validation.losses import BACKENDS, LEARNING_RATES, SPARSITY, STEPS, TOLERANCE
from benchmarks.validation.magnitude import Compared
from benchmarks.validation.tables import Tables
from keras_lottery.report.document import Bullets, Details, Heading, Image, Table, Text
from keras_lottery.report.formatting import count, percent
from keras_lottery.report.plots import Drawing

CUTS = (
    "`torch.nn.utils.prune.global_unstructured` with `L1Unstructured` prunes as many weights as "
    "`prune_to`, on the same weights, pruning step after pruning step. Like this package, torch "
    "ranks only the surviving weights. The trained weights come from all rounds of an iterative "
    "pruning."
)
LOOP = (
    "`benchmarks/validation/plain_torch.py` uses neither this package nor Keras: `F.linear` with "
    "`torch.where(mask, weight, 0)`, `F.cross_entropy`, `torch.optim`. Both get the same initial "
    "weights, masks, images and batches (LeNet-300-100 on the digits, batch size 60; {rates}). "
    "If the loss is read at every step, each step is a compiled call; if it is read every 20 "
    "steps, a call runs as many steps as it can."
)


def cuts_section(tables: Tables) -> list[Any]:
    """Returns the blocks on masks."""
    plain = [cut for cut in tables.cuts if cut.tied == 1]
    tied = [cut for cut in tables.cuts if cut.tied > 1]
    header = ["weights of", "survive", "pruned here", "tied at the threshold", "differing",
              "variables emptied"]  # fmt: skip
    rows = [
        [c.net, *map(count, (c.kept_before, c.pruned, c.tied, c.differing, c.emptied))]
        for c in tables.cuts
    ]
    note = "`tied` counts the weights with the magnitude of the last weight pruned; 1 means no tie."
    return [
        Heading("The global magnitude mask is torch's"),
        Bullets([_plain(plain), *_tied(tied), _floored(tables.floored)], strong=True),
        Text(CUTS),
        Details("Every pruning step", [Table("", header, rows, note)]),
    ]


def _plain(cuts: Sequence[Compared]) -> str:
    differing = sum(cut.differing for cut in cuts)
    equal = f"differ in {differing} weights" if differing else "equal torch's bit for bit"
    return (
        f"In {len(cuts)} pruning steps without ties at the last weight pruned, over "
        f"{sum(c.kept_before for c in cuts):,} weights in all, the masks {equal}."
    )


def _tied(cuts: Sequence[Compared]) -> list[str]:
    if not cuts:
        return []
    same = all(cut.pruned == cut.torch_pruned for cut in cuts)
    elsewhere = sum(cut.elsewhere for cut in cuts)
    by_index = all(cut.by_index for cut in cuts)
    return [
        f"In {len(cuts)} pruning steps of rounded weights, up to "
        f"{max(c.tied for c in cuts):,} weights are tied. Both prune "
        f"{'the same number' if same else 'DIFFERENT numbers'}; the masks differ "
        f"in {sum(c.differing for c in cuts):,} weights, {elsewhere or 'none'} of them outside the "
        "tied ones. torch's `topk` doesn't specify which of these it prunes; this package "
        f"{'prunes' if by_index else 'does NOT always prune'} the first in path order, then by "
        "flat index, on every machine."
    ]


def _floored(cuts: Sequence[Compared]) -> str:
    return (
        "This package keeps at least `min_per_layer` weights of every variable, 1 by default; the "
        f"steps above used 0. On initial weights, torch empties a variable "
        f"{sum(c.emptied for c in cuts)} times. There a floor of 1 changes the masks, in "
        f"{sum(c.differing for c in cuts)} weights over these {len(cuts)} steps."
    )


def losses_section(tables: Tables, drawings: list[Drawing]) -> list[Any]:
    """Returns the blocks on losses, and adds their figure."""
    backends = [name for name in BACKENDS if name in tables.losses[0]]
    rates = " and ".join(f"{name} at {rate:g}" for name, rate in LEARNING_RATES.items())
    drawing = draw_losses(tables, backends)
    drawings.append(drawing)
    largest = max(abs(r[name] - r["plain"]) for r in tables.losses for name in backends)
    verdict = "within" if largest <= TOLERANCE else "NOT within"
    double = max(abs(r["double"] - r["plain"]) for r in tables.losses)
    sentences = [
        f"Over {STEPS} steps, the largest difference of any loss from the plain torch loop is "
        f"{largest:.1e}, on {', '.join(backends)}, dense and {percent(SPARSITY)} pruned, under "
        f"Adam and under SGD with momentum: {verdict} {TOLERANCE:g}.",
        "Keras computes Adam's bias correction in single precision, torch in double. The plain "
        "loop rounds like Keras; with torch's own rounding (and Keras' epsilon) its losses "
        f"change by up to {double:.1e}: rounding errors, amplified by training.",
    ]
    header = ["training", "steps between readings", *backends, "torch's own bias correction"]
    return [
        Heading("The losses are those of a plain loop"),
        Bullets(sentences, strong=True),
        Text(LOOP.format(rates=rates)),
        Image(drawing.file, drawing.caption, drawing.alt),
        Table(
            "Largest difference from the plain loop",
            header,
            _distances(tables, backends),
            "The last column compares the plain loop with itself.",
        ),
    ]


def _distances(tables: Tables, backends: Sequence[str]) -> list[list[str]]:
    key = ("optimizer", "masks", "every")
    lines = []
    for case in dict.fromkeys(tuple(row[k] for k in key) for row in tables.losses):
        rows = [row for row in tables.losses if tuple(row[k] for k in key) == case]
        largest = {n: max(abs(r[n] - r["plain"]) for r in rows) for n in (*backends, "double")}
        optimizer, masks, every = case
        pruned = f"{percent(SPARSITY)} pruned" if masks == "sparse" else "dense"
        cells = [f"{largest[name]:.1e}" for name in backends]
        double = f"{largest['double']:.1e}" if optimizer == "adam" else "–"
        lines.append([f"{optimizer}, {pruned}", f"{every:g}", *cells, double])
    return lines
