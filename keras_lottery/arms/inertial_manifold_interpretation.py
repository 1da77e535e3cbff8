"""One-shot pruning by inertial manifold: an interpretation, with controls of equal sparsity.

Zhang et al., "Validating the lottery ticket hypothesis with inertial manifold theory" (NeurIPS
2021), prune once after a few steps of SGD, to a dimension "in terms of the gap in their spectrum".
Only the first and the last of their six steps are public. The steps between them are OURS:

1. the network takes a few steps (theirs: ten; `rewind.to="10it"`), which gives the weights W;
2. h = diag ∂²L/∂W², estimated with random signs (`derivatives.derive`), is the spectrum;
3. the cut is the largest relative gap of the sorted |h|, near the number of weights that the round
   keeps (`pruning.window`);
4. the fast modes are pruned, and the rest is trained once from W. In the theory slow modes
   determine the fast ones, so weights above the gap (large |h|) are pruned. Weights with h = 0,
   such as those of inputs that are always 0, take no part in the dynamics and are pruned first.

`matched_curvature` does the opposite: it keeps as many weights, those of the largest |h|.
"""

from dataclasses import dataclass, replace

from keras_lottery import pruning
from keras_lottery.arms import starts
from keras_lottery.protocols import Arm, RunView
from keras_lottery.pruning.spectrum import Spectrum, window
from keras_lottery.types import Start, Training

TABLE = "spectrum"


@dataclass(frozen=True)
class InertialManifold(Arm):
    """Prunes once, at a gap in the spectrum of the curvature, over all layers together.

    Args:
        name: name of the arm.
    """

    name: str
    unstructured = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.dense_of(training),)

    def start(self, training: Training, run: RunView) -> Start:
        start = starts.from_state(training, run, {}, run.rewind_state(training.seed))
        curvature = run.task.derived("hessian_diagonal", start.weights, {}, training.seed)
        spectrum = Spectrum(curvature)
        infos, settings = run.task.variables(), run.config.prune
        before, keep = (
            pruning.kept_after(infos, settings, r) for r in (training.round - 1, training.round)
        )
        gap = spectrum.largest_gap(window(before, keep))
        masks = pruning.prune_to_count(
            start.weights,
            {},
            infos,
            replace(settings, criterion="slow_modes", scope="global"),
            gap.dimension,
            derive=lambda name, masks: curvature,
        )
        metrics = {
            "dimension": gap.dimension,
            "gap_size": gap.size,
            "gap_index": spectrum.zeros + gap.dimension,
            "without_curvature": spectrum.zeros,
            "search_steps": start.step,
        }
        return replace(
            start,
            masks=masks,
            metrics={name: float(value) for name, value in metrics.items()},
            tables={TABLE: spectrum.rows()},
        )


@dataclass(frozen=True)
class Matched(Arm):
    """Control: keeps as many weights as `inertial_manifold`, chosen by a criterion.

    Args:
        name: name of the arm.
        criterion: name of the pruning criterion, at the same step.
    """

    name: str
    criterion: str
    unstructured = True

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (starts.sibling(training, "inertial_manifold"),)

    def start(self, training: Training, run: RunView) -> Start:
        ticket = run.start_of(starts.sibling(training, "inertial_manifold"))
        return starts.pruned_early(training, run, self.criterion, pruning.kept(ticket.masks))


ARMS: tuple[Arm, ...] = (
    InertialManifold("inertial_manifold"),
    Matched("matched_curvature", "fast_modes"),
    Matched("matched_magnitude", "magnitude"),
    Matched("matched_snip", "snip"),
    Matched("matched_random", "random"),
)
