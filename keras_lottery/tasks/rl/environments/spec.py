"""What an agent has to know of an environment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GameSpec:
    """Shapes and sizes of a game.

    Args:
        frame: shape of one frame.
        dtype: `float32` or `uint8`.
        actions: how many actions there are.
        time_limit: frames after which a game is cut off; 0 where nothing cuts it off.
        stack: frames that an observation consists of; above 1 they are its last axis.
    """

    frame: tuple[int, ...]
    dtype: str
    actions: int
    time_limit: int
    stack: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of an observation."""
        return (*self.frame, self.stack) if self.stack > 1 else self.frame
