"""The length of a training, in training steps or in games."""

from dataclasses import dataclass

from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl.config import RLData


@dataclass(frozen=True)
class Point:
    """A point of a training.

    Args:
        count: training steps, or finished games.
        in_games: True: `count` is in games.
    """

    count: int
    in_games: bool

    def reached(self, step: int, games: int) -> bool:
        """Returns True from this point on."""
        return (games if self.in_games else step) >= self.count

    def progress(self, step: int, games: int) -> float:
        """Returns the fraction of the way to this point, in [0, 1]."""
        return min((games if self.in_games else step) / max(self.count, 1), 1.0)


def point(duration: str, data: RLData, frames_per_step: int) -> Point:
    """Returns the point of a training after a length such as `500it` or `1ep`.

    An epoch of games ends with a certain game, whatever the number of training steps. An epoch of
    frames is a whole number of training steps, rounded down.
    """
    length = Duration.parse(duration)
    if length.unit == "it":
        return Point(length.count, False)
    if data.epoch_unit == "games":
        return Point(length.count * data.epoch, True)
    return Point(length.count * data.epoch // frames_per_step, False)


def steps(duration: str, data: RLData, frames_per_step: int, time_limit: int) -> int:
    """Returns a length in training steps; for games, an upper bound.

    Raises:
        LotteryError: games are counted, but have no time limit.
    """
    where = point(duration, data, frames_per_step)
    if not where.in_games or not where.count:
        return where.count
    if not time_limit:
        raise LotteryError(
            "Expected a time limit of the games where data.epoch_unit='games'. Received: "
            f"{data.name!r}, which has none. Set data.time_limit, or count frames."
        )
    return -(-where.count * time_limit // frames_per_step)
