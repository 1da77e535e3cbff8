"""The section on masks of different seeds."""

from collections.abc import Sequence
from typing import Any

from benchmarks.validation.figures import draw_differences, draw_overlap
from benchmarks.validation.seeds import Shared
from benchmarks.validation.tables import Tables
from keras_lottery.report.document import Bullets, Details, Heading, Image, Table, Text
from keras_lottery.report.formatting import number, percent, unit_of
from keras_lottery.report.masks import short_names
from keras_lottery.report.plots import Drawing
from keras_lottery.report.sentences import comparison
from keras_lottery.report.statistics import Paired, paired

PAIRS = (
    ("winning", "permuted_layer"),
    ("winning", "other_seed"),
    ("other_seed", "reinit"),
    ("other_seed", "permuted_layer"),
    ("other_seed", "permuted_within_pixel"),
    ("permuted_within_pixel", "permuted_layer"),
    ("other_seed_input_permuted", "permuted_layer"),
)
SETTING = (
    "The quickstart on the digits. Every control is trained from re-initialized weights for the "
    "same number of steps on the same batches, at the {levels} sparsest levels, with {draws} "
    "repetitions per ticket."
)
CONTROLS = (
    "`permuted_layer`: the seed's own winning mask, shuffled within each variable.",
    "`permuted_within_pixel`: the same, but each pixel keeps its number of weights.",
    "`reinit`: the seed's own winning mask.",
    "`other_seed`: the winning mask of another seed, a different one for each repetition.",
    "`other_seed_input_permuted`: the same, with the input layer's mask shuffled.",
)


def seeds_section(tables: Tables, drawings: list[Drawing]) -> list[Any]:
    """Returns the blocks on masks of other seeds, and adds their figure."""
    rows = tables.seeds
    rounds = sorted({row.round for row in rows if row.arm == "other_seed"})
    levels = [row.remaining for row in rows if row.round in rounds]
    where = f"at {percent(max(levels))} to {percent(min(levels))} of the weights remaining"
    known = {pair: diff for pair in PAIRS if (diff := paired(rows, *pair, rounds))}
    drawing = draw_differences(list(known.values()), where)
    drawings.append(drawing)
    draws = max(row.draw for row in rows) + 1
    return [
        Heading("Does a mask help another seed?"),
        Bullets(verdicts(known), strong=True),
        Text(SETTING.format(levels=len(rounds), draws=draws)),
        Bullets(CONTROLS),
        Text("The differences in full:"),
        Bullets([comparison(diff, where, unit_of(rows), True) for diff in known.values()]),
        Image(drawing.file, drawing.caption, drawing.alt),
        _connected(tables, rounds[-1], min(levels)),
    ]


def _connected(tables: Tables, last: int, remaining: float) -> Table:
    """Returns accuracy and connected weights of each arm at the sparsest level."""
    unit = unit_of(tables.seeds)
    shares = {(c.arm, c.round): c.share for c in tables.connected}
    values = {
        arm: [row.value for row in tables.seeds if row.arm == arm and row.round == last]
        for arm in dict.fromkeys(arm for pair in PAIRS for arm in pair)
    }
    means = {arm: sum(found) / len(found) for arm, found in values.items()}
    unused = tables.facts["pixels"] - tables.facts["pixels in use"]
    return Table(
        f"At {percent(remaining)} remaining",
        ["arm", f"mean {unit.axis}", "connected"],
        [
            [f"`{arm}`", unit.bare(means[arm]), percent(shares[arm, last])]
            for arm in sorted(means, key=lambda arm: -means[arm])
        ],
        "Connected: fraction of the kept weights on a path of kept weights from a used pixel to an "
        f"output. {unused} of {tables.facts['pixels']} pixels are 0 in every training image.",
    )


def verdicts(known: dict[tuple[str, str], Paired]) -> list[str]:
    """Returns the conclusions, each only if its interval supports it."""
    other = known["other_seed", "permuted_layer"]
    own = known["other_seed", "reinit"]
    shuffled = known["other_seed_input_permuted", "permuted_layer"]
    pixels = known["permuted_within_pixel", "permuted_layer"]
    units = known["other_seed", "permuted_within_pixel"]
    winning = known["winning", "other_seed"]
    return [
        f"The mask of another seed {outcome(other)}."
        + _if(other.low > 0, "So it has structure that helps any seed, as analysed below.")
        + _if(other.low <= 0, "So a mask doesn't help a seed that it wasn't found for."),
        f"It {outcome(own)}, the seed's own mask applied to re-initialized weights."
        + _if(
            own.contains_zero,
            "Without the weights it was found with, a mask isn't specific to its seed.",
        ),
        f"With its input layer shuffled, the mask of another seed {outcome(shuffled)}."
        + _if(
            shuffled.contains_zero and other.low > 0,
            "So its structure is in the first layer.",
        ),
        f"A mask that preserves only the number of weights of each pixel {outcome(pixels)}; the "
        f"whole mask of another seed {outcome(units)}."
        + _if(
            units.low > 0,
            "So the number of weights of each pixel isn't all; shuffling also disconnects weights "
            "(the last column of the table). Whether the number of weights of each hidden unit is "
            "the rest, or their positions, isn't tested.",
        ),
        f"The winning ticket {outcome(winning)}."
        + _if(winning.low > 0, "So the initial weights of a mask matter beyond its structure."),
    ]


def _if(holds: bool, text: str) -> str:
    return f" {text}" if holds else ""


def outcome(one: Paired) -> str:
    """Returns what the interval of a difference says."""
    points = f"{number(100 * abs(one.mean), 2)} points"
    ends = f"95 % interval {number(100 * one.low, 2)} to {number(100 * one.high, 2)}"
    if one.contains_zero:
        return f"can't be distinguished from `{one.control}` ({ends})"
    return (
        f"does {'better' if one.mean > 0 else 'worse'} than `{one.control}`, by {points} ({ends})"
    )


def overlap_section(tables: Tables, drawings: list[Drawing]) -> list[Any]:
    """Returns the blocks on overlap, and adds their figure."""
    drawing = draw_overlap(tables)
    drawings.append(drawing)
    last = max(row.round for row in tables.shared)
    names = _names(tables.shared)
    header = ["remaining", "variable", "density", "share", "by chance", "with pixel counts",
              "Jaccard", "by chance"]  # fmt: skip
    body = [
        [percent(r.remaining), names[r.variable], percent(r.density), percent(r.share),
         percent(r.chance), percent(r.chance_inputs), number(r.jaccard, 4),
         number(r.chance_jaccard, 4)]
        for r in tables.shared
    ]  # fmt: skip
    return [
        Heading("Overlap between seeds"),
        Bullets([_shared(r, names[r.variable]) for r in tables.shared if r.round == last]),
        Image(drawing.file, drawing.caption, drawing.alt),
        Details("Every level and variable", [Table("", header, body)]),
    ]


def _names(rows: Sequence[Shared]) -> dict[str, str]:
    paths = tuple(dict.fromkeys(row.variable for row in rows if row.variable != "all"))
    return {"all": "all variables"} | {p: f"`{s}`" for p, s in zip(paths, short_names(paths))}


def _shared(row: Shared, name: str) -> str:
    text = (
        f"At {percent(row.remaining)} remaining, {name}: two seeds share {percent(row.share)} of "
        f"their kept weights (pairs: {percent(row.low)} to {percent(row.high)}); by chance "
        f"{percent(row.chance)}, {_compared(row, row.chance)}"
    )
    if row.chance_inputs - row.chance > 1e-9:
        text += (
            f"; with each pixel's number of weights fixed, {percent(row.chance_inputs)}, "
            f"{_compared(row, row.chance_inputs)}"
        )
    return f"{text}."


def _compared(row: Shared, chance: float) -> str:
    if row.low > chance:
        return "less than any pair"
    return "more than any pair" if row.high < chance else "within the range of the pairs"
