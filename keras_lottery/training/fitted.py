"""What one training of one network brings back."""

from dataclasses import dataclass, field

from keras_lottery.types import MaskSet, State, Weights


@dataclass
class Fitted:
    """What one training brought.

    Args:
        weights: trained value of every variable.
        rewind: full state at the step `capture_at`, if the training passed it.
        steps: optimizer steps done.
        seconds: wall time without compiling.
        compile_seconds: wall time of compiling.
        history: one row per evaluation.
        final: test metrics at the end.
        best: test metrics at the minimum of the validation loss (of the end, without one).
        best_step: step of that minimum.
        initial: test metrics before the first step, where the config asks for them.
        masks: the masks at the end, where they were learned.
        further: test metrics of the plain model that is shipped, where the trained one draws, and
            whether the output no longer depends on the input, where that is so.
    """

    weights: Weights
    rewind: State | None
    steps: int
    seconds: float
    compile_seconds: float
    history: list[dict[str, float]] = field(default_factory=list)
    final: dict[str, float] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    best_step: int = 0
    initial: dict[str, float] = field(default_factory=dict)
    masks: MaskSet = field(default_factory=dict)
    further: dict[str, float] = field(default_factory=dict)
