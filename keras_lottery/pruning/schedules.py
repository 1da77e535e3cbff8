"""Pruning schedules: sparsity per round of an experiment, or per step of a training."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from keras_lottery import checks
from keras_lottery.config import PruneConfig
from keras_lottery.errors import LotteryError
from keras_lottery.pruning.counts import count, decimal
from keras_lottery.registry import Registry

Schedule = Callable[[float, int, int, int], int]
"""`(rate, round, size, surviving) -> weights of a pool to prune`; rounds count from 1."""

schedules: Registry[Schedule] = Registry("schedule (prune.schedule)")


@schedules.register("geometric")
def geometric(rate: float, round: int, size: int, surviving: int) -> int:
    """floor(rate × surviving). Reference: Frankle & Carbin 2019, arXiv 1803.03635."""
    return count(rate, surviving)


@schedules.register("linear")
def linear(rate: float, round: int, size: int, surviving: int) -> int:
    """Prunes to a total of floor(rate × round × size)."""
    share = decimal(rate) * round
    if share > 1:
        raise LotteryError(
            f"Expected rate × round of at most 1 under the linear schedule. "
            f"Received: {rate} × {round}. Lower the rate or the number of rounds."
        )
    return count(share, size) - (size - surviving)


@schedules.register("one_shot")
def one_shot(rate: float, round: int, size: int, surviving: int) -> int:
    """Prunes to a total of floor(rate × size), all in round 1."""
    if round != 1:
        raise LotteryError(
            f"Expected round 1 under the one_shot schedule, which prunes once. Received: round "
            f"{round}. Set prune.rounds to 1, or choose prune.schedule='geometric'."
        )
    return count(rate, size) - (size - surviving)


def schedule_of(config: PruneConfig) -> Schedule:
    """Returns the schedule of a config: a registered one, or its list of levels."""
    if config.schedule == "levels":
        return partial(_to_level, config.levels)
    return schedules[config.schedule]


def _to_level(levels: Sequence[float], rate: float, round: int, size: int, surviving: int) -> int:
    """Prunes to a total of floor(levels[round - 1] × size)."""
    return count(levels[round - 1], size) - (size - surviving)


@dataclass(frozen=True)
class CubicSchedule:
    """Sparsity that rises during a training, fast at first.

        s_t = s_f + (s_i - s_f) (1 - (t - t_0) / (t_1 - t_0))³

    at t = t_0, t_0 + every, … and t_1.

    Args:
        final_sparsity: s_f, fraction removed from step t_1 on.
        end_step: t_1, in optimizer steps.
        begin_step: t_0.
        every: steps between prunings.
        initial_sparsity: s_i.

    Raises:
        LotteryError: the schedule would never prune.

    Reference: Zhu & Gupta 2017, arXiv 1710.01878.
    """

    final_sparsity: float
    end_step: int
    begin_step: int = 0
    every: int = 100
    initial_sparsity: float = 0.0

    def __post_init__(self) -> None:
        for name in ("final_sparsity", "initial_sparsity"):
            checks.fraction(getattr(self, name), name)
        for name in ("end_step", "begin_step", "every"):
            checks.whole_number(getattr(self, name), name)
        if not 0 <= self.initial_sparsity <= self.final_sparsity <= 1 or not self.final_sparsity:
            raise LotteryError(
                "Expected 0 <= initial_sparsity <= final_sparsity <= 1 and final_sparsity > 0. "
                f"Received: {self.initial_sparsity} and {self.final_sparsity}. Change one."
            )
        if not 0 <= self.begin_step <= self.end_step:
            raise LotteryError(
                "Expected 0 <= begin_step <= end_step. "
                f"Received: {self.begin_step} and {self.end_step}. Change one."
            )
        if self.every < 1:
            raise LotteryError(
                f"Expected frequency to be at least 1 step. Received: {self.every}. Raise it."
            )

    def sparsity(self, step: int) -> float:
        """Returns s_t; s_i before t_0 and s_f after t_1."""
        if step >= self.end_step:
            return self.final_sparsity
        if step <= self.begin_step:
            return self.initial_sparsity
        remaining = 1 - (step - self.begin_step) / (self.end_step - self.begin_step)
        return self.final_sparsity + (self.initial_sparsity - self.final_sparsity) * remaining**3

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of the prunings, up to t_1."""
        return (*range(self.begin_step, self.end_step, self.every), self.end_step)

    def due(self, step: int) -> int | None:
        """Returns the last step of a pruning up to `step`, None before t_0."""
        if step < self.begin_step:
            return None
        if step >= self.end_step:
            return self.end_step
        return step - (step - self.begin_step) % self.every

    def reached(self, step: int) -> float:
        """Returns the sparsity of the last pruning up to `step`, 0 before t_0."""
        due = self.due(step)
        return 0.0 if due is None else self.sparsity(due)
