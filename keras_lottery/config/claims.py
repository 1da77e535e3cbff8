"""A paper's claim, declared in a config as a comparison."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keras_lottery.checks import is_path_name
from keras_lottery.config.build import build
from keras_lottery.errors import LotteryError

FIELDS = ("value", "final_value", "best_value", "best_step", "flops")

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
_COMPARISON = re.compile(rf"(\S.*?) (>=|==|>|<) (\S.*?)(?: (by|within) ({_NUMBER}))?")
_ARM = re.compile(r"[A-Za-z_](?:(?! by | within ).)*")
_EXPECTATIONS = {">": "better", "<": "worse", ">=": "not_worse", "==": "equal"}
_WORDS = {">": ("by",), "<": ("by",), ">=": ("within",), "==": ("within",)}


@dataclass(frozen=True)
class Claim:
    """A comparison that a paper makes, and the rule for agreeing with it.

    The effect is the mean over seeds s of `d_s = sign · (A_s - B_s)`, where `sign` makes
    a positive difference the better one. With its 95 % t interval [low, high] and the margin
    m ≥ 0 (`by m`, `within m`):

    | compare | agrees | disagrees |
    | --- | --- | --- |
    | `A > B` | low > 0 and mean ≥ m | high < m, or high ≤ 0 |
    | `A < B` | high < 0 and mean ≤ -m | low > -m, or low ≥ 0 |
    | `A >= B` | low > -m | high < -m |
    | `A == B` | -m < low and high < m | high < -m or low > m |

    Anything else, or fewer than two seeds, is *not shown*.

    Args:
        says: what the paper claims, in one sentence.
        source: author and year with the arXiv number, then the section or figure. Claims whose
            sources share the part before the first comma are corrected together.
        compare: the comparison: `winning > reinit`, with a margin `winning > dense by 0.001`;
            `A < B` and `A < B by M` for worse, `A >= B within M` for not worse, `A == B within M`
            for equal. B is the arm that A is compared with in the same round (`dense`: in round
            0), or a number in the metric's unit; `winning from NAME` is a transferred ticket.
        remaining: lowest and highest fraction of the prunable weights remaining.
        by_level: judge every level separately instead of the mean over levels within a seed.
        field: column of results.csv to compare.
        target: transfer target whose table is used; empty: results.csv.
        not_comparable: why this experiment cannot decide the claim; empty if it can.
    """

    says: str
    source: str
    compare: str
    remaining: tuple[float, ...] = (0.0, 1.0)
    by_level: bool = False
    field: str = "value"
    target: str = ""
    not_comparable: str = ""

    @property
    def paper(self) -> str:
        """The paper, e.g. `Yu et al. 2019 (1906.02768)`."""
        return self.source.split(",")[0]

    @property
    def arm(self) -> str:
        """The network that the claim is about."""
        return self._parts()[0]

    @property
    def control(self) -> str:
        """The arm that it is compared with; empty if it is a number."""
        right = self._parts()[2]
        return "" if _is_number(right) else right

    @property
    def value(self) -> float | None:
        """The number that it is compared with, in the metric's unit."""
        right = self._parts()[2]
        return float(right) if _is_number(right) else None

    @property
    def expect(self) -> str:
        """`better`, `worse`, `not_worse` or `equal`."""
        return _EXPECTATIONS[self._parts()[1]]

    @property
    def margin(self) -> float:
        """The smallest difference that matters, in the metric's unit."""
        return float(self._parts()[4] or 0)

    def problems(self) -> Iterable[str]:
        match = _COMPARISON.fullmatch(self.compare)
        if match is None or not self._is_known_form(match):
            yield (
                "compare: expected 'A > B', 'A > B by M', 'A < B', 'A >= B within M' or "
                f"'A == B within M'. Received: {self.compare!r}"
            )
        elif match[2] == "==" and not float(match[5] or 0):
            yield f"compare: expected '== … within M' with M above 0. Received: {self.compare!r}"
        if self.field not in FIELDS:
            yield f"field: expected one of {', '.join(FIELDS)}. Received: {self.field!r}"
        if self.target and not is_path_name(self.target):
            yield f"target: expected the name of a table. Received: {self.target!r}"
        if len(self.remaining) != 2 or not 0 <= self.remaining[0] <= self.remaining[1] <= 1:
            yield (
                "remaining: expected the lowest and the highest fraction of weights remaining. "
                f"Received: {self.remaining}"
            )

    @staticmethod
    def _is_known_form(match: re.Match[str]) -> bool:
        sides = _ARM.fullmatch(match[1]) and (_ARM.fullmatch(match[3]) or _is_number(match[3]))
        return bool(sides) and match[4] in (None, *_WORDS[match[2]])

    def _parts(self) -> tuple[str, ...]:
        match = _COMPARISON.fullmatch(self.compare)
        if match is None:
            raise LotteryError("; ".join(self.problems()))
        return match.groups()


POST_HOC = "post_hoc"
"""Key in config.json of a claim that was declared after its networks were trained."""


def recorded_claims(record: Mapping[str, Any]) -> list[tuple[Claim, bool]]:
    """Returns the claims that a config.json records, and whether each is post hoc.

    Args:
        record: contents of config.json; older versions recorded no claims.

    Raises:
        LotteryError: a claim is malformed.
    """
    claims, problems = record.get("claims", []), list[str]()
    if not isinstance(claims, list) or not all(isinstance(claim, dict) for claim in claims):
        problems.append(f"claims: expected a list of claims. Received: {type(claims).__name__}")
        claims = []
    recorded = []
    for fields in claims:
        plain = {name: value for name, value in fields.items() if name != POST_HOC}
        claim = build(Claim, plain, "claims", problems)
        if claim is not None:
            recorded.append((claim, fields.get(POST_HOC) is not False))
    if problems:
        raise LotteryError(
            f"Expected the claims of a config in config.json. Received: {'; '.join(problems)}. "
            "Take the file from a backup, or start the run again in another folder."
        )
    return recorded


def _is_number(text: str) -> bool:
    return re.fullmatch(rf"[-+]?{_NUMBER}", text) is not None
