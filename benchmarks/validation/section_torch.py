"""What the page says of torch: its global mask, and the losses of a plain loop."""

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
    "`torch.nn.utils.prune.global_unstructured` with `L1Unstructured` is asked for as many weights "
    "as `prune_to` prunes, on the same weights, cut after cut; torch ranks the surviving weights "
    "alone, as does this package. The trained weights are those of a whole chain of rounds."
)
LOOP = (
    "`benchmarks/validation/plain_torch.py` knows nothing of this package or of Keras: `F.linear` "
    "under `torch.where(mask, weight, 0)`, `F.cross_entropy`, `torch.optim`. Both get the same "
    "start weights, masks, images and batches (LeNet-300-100 on the digits, batch 60; {rates}). "
    "With a look at every step each is a compiled call of its own, with a look every 20 a call "
    "takes as many steps as it can."
)


def cuts_section(tables: Tables) -> list[Any]:
    """Returns the blocks on masks."""
    plain = [cut for cut in tables.cuts if cut.tied == 1]
    tied = [cut for cut in tables.cuts if cut.tied > 1]
    header = ["weights of", "survive", "pruned here", "tied at the cut", "differing",
              "variables emptied"]  # fmt: skip
    rows = [
        [c.net, *map(count, (c.kept_before, c.pruned, c.tied, c.differing, c.emptied))]
        for c in tables.cuts
    ]
    note = "`tied` counts the weights of the magnitude of the last weight pruned: 1 is no tie."
    return [
        Heading("The global magnitude mask is torch's"),
        Bullets([_plain(plain), *_tied(tied), _floored(tables.floored)], strong=True),
        Text(CUTS),
        Details("Every cut", [Table("", header, rows, note)]),
    ]


def _plain(cuts: Sequence[Compared]) -> str:
    differing = sum(cut.differing for cut in cuts)
    equal = f"differ in {differing} weights" if differing else "equal torch's bit for bit"
    return (
        f"In {len(cuts)} cuts, of {sum(c.kept_before for c in cuts):,} weights in all, where no "
        f"magnitude ties with that of the last weight pruned, the masks {equal}."
    )


def _tied(cuts: Sequence[Compared]) -> list[str]:
    if not cuts:
        return []
    same = all(cut.pruned == cut.torch_pruned for cut in cuts)
    elsewhere = sum(cut.elsewhere for cut in cuts)
    by_index = all(cut.by_index for cut in cuts)
    return [
        f"In {len(cuts)} cuts of rounded weights up to {max(c.tied for c in cuts):,} weights tie "
        f"there. Both prune {'the same number' if same else 'DIFFERENT numbers'}; the masks differ "
        f"in {sum(c.differing for c in cuts):,} weights, {elsewhere or 'none'} of them anywhere "
        "but among the tied. Which of these go, torch's `topk` leaves open; ours "
        f"{'prunes' if by_index else 'does NOT always prune'} the first in path order, then by "
        "flat index, the same on every machine."
    ]


def _floored(cuts: Sequence[Compared]) -> str:
    return (
        "This package leaves every variable at least `min_per_layer` weights, 1 by default; the "
        f"cuts above were made with 0. On fresh weights torch empties a variable "
        f"{sum(c.emptied for c in cuts)} times, and there the floor of 1 makes the masks differ, "
        f"in {sum(c.differing for c in cuts)} weights over these {len(cuts)} cuts."
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
        f"Over {STEPS} steps the largest distance of any loss from the plain torch loop is "
        f"{largest:.1e}, on {', '.join(backends)}, dense and {percent(SPARSITY)} pruned, under "
        f"Adam and under SGD with momentum: {verdict} {TOLERANCE:g}.",
        "Keras computes the bias correction of Adam in single precision, torch in double. The "
        "plain loop rounds as Keras does; with torch's own rounding (and Keras' epsilon) its "
        f"losses move by up to {double:.1e}: rounding, which the training amplifies.",
    ]
    header = ["training", "steps between looks", *backends, "torch's own bias correction"]
    return [
        Heading("The losses are those of a plain loop"),
        Bullets(sentences, strong=True),
        Text(LOOP.format(rates=rates)),
        Image(drawing.file, drawing.caption, drawing.alt),
        Table(
            "Largest distance from the plain loop",
            header,
            _distances(tables, backends),
            "The last column sets the plain loop against itself.",
        ),
    ]


def _distances(tables: Tables, backends: Sequence[str]) -> list[list[str]]:
    key = ("optimizer", "masks", "every")
    found = []
    for case in dict.fromkeys(tuple(row[k] for k in key) for row in tables.losses):
        rows = [row for row in tables.losses if tuple(row[k] for k in key) == case]
        largest = {n: max(abs(r[n] - r["plain"]) for r in rows) for n in (*backends, "double")}
        optimizer, masks, every = case
        pruned = f"{percent(SPARSITY)} pruned" if masks == "sparse" else "dense"
        cells = [f"{largest[name]:.1e}" for name in backends]
        own = f"{largest['double']:.1e}" if optimizer == "adam" else "–"
        found.append([f"{optimizer}, {pruned}", f"{every:g}", *cells, own])
    return found
