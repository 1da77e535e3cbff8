"""What the claims about strong tickets read."""

import math
from pathlib import Path

import pytest

from keras_lottery.config.claims import Claim
from keras_lottery.report.verdicts import judge
from keras_lottery.studies.strong_tickets.page import measurements

KEPT = Path(__file__).parents[3] / "docs/results/strong_tickets"


def test_each_seed_counts_with_its_smallest_sufficient_network(tmp_path):
    header, *rows = (KEPT / "networks.csv").read_text().splitlines()
    kept = [row for row in rows if row.split(",")[:2] in (["0", "0.5"], ["1", "0.5"])]
    failed = [row for row in kept if row.split(",")[0] == "1" and row.split(",")[4] == "0"]
    of_seed_0 = [row for row in kept if row.split(",")[0] == "0"]
    (tmp_path / "networks.csv").write_text("\n".join([header, *of_seed_0, *failed]) + "\n")
    claim = Claim("A", "B 2024, theorem 3", "n at density 0.5 >= 40")
    found = {m.seed: m.value for m in measurements(tmp_path, claim)}
    assert found[0] == min(int(r.split(",")[2]) for r in of_seed_0 if r.split(",")[4] == "1")
    assert math.isnan(found[1])
    (verdict,) = judge(claim, measurements(tmp_path, claim), higher_is_better=False)
    assert verdict.verdict == "not shown"


@pytest.mark.parametrize(("compare", "expected"), [(">= 40", "agrees"), (">= 10", "disagrees")])
def test_all_seeds_of_the_kept_run_are_judged(compare, expected):
    claim = Claim("A", "B 2024, theorem 3", f"n at density 0.5 {compare}")
    (verdict,) = judge(claim, measurements(KEPT, claim), higher_is_better=False)
    assert (verdict.n, verdict.verdict) == (5, expected)
