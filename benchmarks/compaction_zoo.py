"""Writes the table of docs/compaction.md: the model zoo, pruned by channels and compacted.

    KERAS_BACKEND=tensorflow python -m benchmarks.compaction_zoo [MODEL …]

With names, the other lines stay as they are.
"""

import argparse
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import keras

import keras_lottery as kl
from benchmarks.zoo import ZOO, build
from keras_lottery.compaction import dependency_graph
from keras_lottery.compaction.channels import channel_inventory, cost_of
from keras_lottery.masking.inventory import read_model

PAGE = Path(__file__).parents[1] / "docs/compaction.md"
START, END = "<!-- zoo: python -m benchmarks.compaction_zoo -->\n", "<!-- end of the zoo -->\n"
HEADER = (
    "Model", "Parameters", "Predicted", "Compacted", "FLOPs", "Compacted", "Difference",
    "Channels that stay",
)  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """What pruning and compaction made of a network.

    Args:
        predicted: number of parameters that the masks leave.
        parameters: numbers of parameters before and after.
        flops: FLOPs of one example's forward pass before and after.
        difference: largest difference of the outputs, relative to the largest output.
        pinned: reason -> number of channels that stay.
        small: the compacted network.
    """

    predicted: int
    parameters: tuple[int, int]
    flops: tuple[int, int]
    difference: float
    pinned: dict[str, int]
    small: keras.Model


def measure(model: keras.Model) -> Measured:
    """Prunes half of the channels of each set, compacts the network, and compares the two."""
    pinned = reasons(model)
    kl.prune(model, sparsity=0.5, pattern="channels", scope="layer")
    predicted = cost_of(channel_inventory(read_model(model))).parameters(kl.get_masks(model))
    small = kl.compact(model)
    report = kl.compaction_report(small)
    difference = report.difference
    return Measured(predicted, report.parameters, report.flops, difference, pinned, small)


def reasons(model: keras.Model) -> dict[str, int]:
    """Returns why channels other than those of inputs and outputs stay, and how many."""
    graph = dependency_graph(model)
    group, _ = graph.coupled()
    pins: dict[int, list[str]] = {}
    for pin in graph.pins:
        for one in set(group[pin.ids].tolist()) - {-1}:
            pins.setdefault(one, []).append(pin.reason)
    return dict(Counter(filter(None, map(_reason, pins.values()))))


def _reason(pins: list[str]) -> str:
    """Returns the reason of a channel; empty for an input or a mere output, activated or not."""
    inner = [reason for reason in pins if not reason.endswith(" of the model")]
    if len(inner) < len(pins):
        inner = [reason for reason in inner if "in the activation" not in reason]
    if not inner or "input of the model" in pins:
        return ""
    return _without_path(inner[0])


def _without_path(reason: str) -> str:
    """Returns a reason with the kind of the operation instead of its path."""
    path, _, why = reason.partition(" ")
    return f"{re.sub(r'_[0-9]+$', '', path.rpartition('/')[-1])} {why}"


def sizes(measured: Measured) -> str:
    """Returns the cells that are the same on every backend and machine."""
    (before, after), flops = measured.parameters, measured.flops
    return (
        f"{before:,} | {measured.predicted:,} | {after:,} ({after / before:.0%}) | "
        f"{flops[0]:,} | {flops[1]:,} ({flops[1] / flops[0]:.0%})"
    )


def row(name: str) -> str:
    """Returns the line of one network."""
    measured = measure(build(name))
    difference = f"{measured.difference:.0e}" if measured.difference else "0"
    why = "; ".join(f"{count}: {reason}" for reason, count in measured.pinned.items())
    return f"| {name} | {sizes(measured)} | {difference} | {why or '–'} |"


def written() -> dict[str, str]:
    """Returns the lines of the page by network."""
    table = PAGE.read_text(encoding="utf-8").partition(START)[2].partition(END)[0]
    return {line.split(" | ")[0].removeprefix("| "): line for line in table.splitlines()[3:]}


def write(names: list[str]) -> None:
    """Renews the lines of some networks; each is written as soon as it is measured."""
    for name in names:
        line = row(name)
        rows = {**written(), name: line}
        table = [f"| {' | '.join(HEADER)} |", "|" + "---|" * len(HEADER)]
        table += [rows[known] for known in ZOO if known in rows]
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        text = "\n".join(["", *table, ""])
        PAGE.write_text(f"{before}{START}{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


def main() -> None:
    """Writes the lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", choices=[*ZOO, []], help="default: all of them")
    write(parser.parse_args().models or [*ZOO])


if __name__ == "__main__":
    main()
