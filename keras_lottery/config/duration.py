"""A training duration: steps (`500it`) or epochs (`1ep`)."""

import re
from dataclasses import dataclass

from keras_lottery.errors import LotteryError

_PATTERN = re.compile(r"([0-9]{1,15})(it|ep)")


@dataclass(frozen=True)
class Duration:
    """A count of optimizer steps (`it`) or epochs (`ep`).

    Example:
        >>> Duration.parse("2ep").steps(steps_per_epoch=917)
        1834
    """

    count: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> "Duration":
        """Parses `"500it"` or `"1ep"`.

        Raises:
            LotteryError: anything else.
        """
        match = _PATTERN.fullmatch(str(text).strip())
        if match is None:
            raise LotteryError(
                f"Expected a length of training such as '500it' (steps) or '1ep' (epochs). "
                f"Received: {text!r}."
            )
        return cls(int(match[1]), match[2])

    def steps(self, steps_per_epoch: int) -> int:
        """Returns the duration in optimizer steps."""
        return self.count if self.unit == "it" else self.count * steps_per_epoch

    def __str__(self) -> str:
        return f"{self.count}{self.unit}"
