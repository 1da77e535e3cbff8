"""The tables that the study writes, in its run folder."""

from dataclasses import dataclass
from pathlib import Path

from keras_lottery.records import TableRow

TRANSITION, GADGETS = "transition.csv", "gadgets.csv"
TARGETS, NETWORKS = "targets.csv", "networks.csv"


@dataclass(frozen=True)
class TransitionRow(TableRow):
    """How often k of n numbers came within ε of a target.

    Args:
        n: numbers, drawn from Uniform[-1, 1].
        k: size of the subsets.
        target: z, as a fraction of √k.
        ratio: ρ = n · H₂(k/n) / log₂(k/ε).
        error: ε.
        draws: independent draws.
        successes: draws with a subset nearer than ε.
    """

    n: int
    k: int
    target: float
    ratio: float
    error: float
    draws: int
    successes: int

    def problem(self) -> str:
        if not 0 < self.k <= self.n:
            return f"expected 0 < k ≤ n, not k = {self.k} and n = {self.n}"
        if not 0 <= self.successes <= self.draws or self.draws < 1:
            return f"expected 0 to {self.draws} successes, not {self.successes}"
        return "" if self.error > 0 else f"expected an error above 0, not {self.error}"


@dataclass(frozen=True)
class GadgetRow(TableRow):
    """Errors of single weights w from Uniform[-1, 1].

    Args:
        n: candidates of either sign.
        k: number kept.
        draws: independent draws of w and the candidates.
        median: median of the largest |y - w·x| over x in [-1, 1].
        ninety: 90th percentile of the same.
    """

    n: int
    k: int
    draws: int
    median: float
    ninety: float

    def problem(self) -> str:
        if not 0 < self.k <= self.n:
            return f"expected 0 < k ≤ n, not k = {self.k} and n = {self.n}"
        if self.draws < 1 or min(self.median, self.ninety) < 0:
            return "expected draws, and errors of at least 0"
        return ""


@dataclass(frozen=True)
class TargetRow(TableRow):
    """One layer of a target.

    Args:
        seed: of the target.
        layer: its number, from 1.
        inputs: d, with the constant input whose weights are the biases.
        outputs: its outputs.
        largest: largest absolute weight.
    """

    seed: int
    layer: int
    inputs: int
    outputs: int
    largest: float

    def problem(self) -> str:
        positive = min(self.layer, self.inputs, self.outputs) > 0 and self.largest >= 0
        return "" if positive else "expected a layer, inputs and outputs from 1"


@dataclass(frozen=True)
class NetworkRow(TableRow):
    """One pruned random network and its target.

    Args:
        seed: of the target and of the draw.
        density: k/n, the fraction kept of every block.
        n: candidates per target weight and sign.
        k: number kept.
        enough: 1 if the output error and the agreement are sufficient.
        output_error: largest difference of an output from the target's on the test set.
        bound: bound on that difference for all inputs in [-1, 1].
        weight_error: largest error of a target weight.
        agreement: fraction of the test set with the target's prediction.
        accuracy: test accuracy of the pruned random network.
        target_accuracy: test accuracy of the target.
        target_weights: weights and biases of the target.
        kept: weights kept of the random network.
        total: weights of the random network.
        seconds: wall time of choosing the kept weights.
    """

    seed: int
    density: float
    n: int
    k: int
    enough: int
    output_error: float
    bound: float
    weight_error: float
    agreement: float
    accuracy: float
    target_accuracy: float
    target_weights: int
    kept: int
    total: int
    seconds: float

    def problem(self) -> str:
        if not 0 < self.k <= self.n or self.enough not in (0, 1):
            return f"expected 0 < k ≤ n and enough 0 or 1, not {self.k}, {self.n}, {self.enough}"
        if not 0 <= self.kept <= self.total or not self.total or self.target_weights < 1:
            return f"expected at most {self.total} weights kept, not {self.kept}"
        if not all(0 <= f <= 1 for f in (self.agreement, self.accuracy, self.target_accuracy)):
            return "expected an agreement and accuracies from 0 to 1"
        return ""


def ticket_file(root: Path, seed: int, density: float, n: int) -> Path:
    """Returns the file of the sufficient pruned random network."""
    return root / f"seed_{seed}" / f"strong-{density:g}-{n}.ticket.safetensors"
