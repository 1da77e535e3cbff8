"""The shapes and sizes of an environment."""

from dataclasses import dataclass


@dataclass(frozen=True)
class GameSpec:
    """Shapes and sizes of an environment.

    Args:
        frame: shape of one frame.
        dtype: `float32` or `uint8`.
        actions: number of actions.
        time_limit: frames after which an episode is truncated; 0: never.
        stack: frames per observation; if more than 1, they are its last axis.
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
