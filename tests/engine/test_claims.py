"""A claim that is added after its networks are trained is post hoc."""

from pathlib import Path

import pandas as pd
import pytest

from keras_lottery.config import freeze, presets
from keras_lottery.engine.check_config import check_claims
from keras_lottery.engine.claims import declared_claims
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import RunPaths
from tests.report.made_run import make_run

CLAIM = {"says": "…", "source": "A 2019 (1), figure 1", "compare": "winning > reinit"}
LATER = CLAIM | {"compare": "one_shot > reinit"}


def marks(claims: list[dict]) -> list[tuple[str, bool]]:
    return [(claim["compare"], claim["post_hoc"]) for claim in claims]


def config(*claims: dict):
    return freeze(presets.load("quickstart", {"claims": claims}))


def test_claims_are_marked_by_what_was_trained_when_they_were_added(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path / "run")
    first = declared_claims(config(CLAIM), {}, paths)
    assert marks(first) == [("winning > reinit", False)]
    make_run(paths.root, masks=False, rounds=1, seeds=[0], arms=("winning", "reinit"))
    # Kept as it was; the arm of another is not trained yet; a changed margin is another claim.
    changed = CLAIM | {"compare": "winning > reinit by 0.1"}
    again = declared_claims(config(CLAIM, LATER, changed), {"claims": first}, paths)
    assert marks(again) == [
        ("winning > reinit", False),
        ("one_shot > reinit", False),
        ("winning > reinit by 0.1", True),
    ]
    # Its words can be corrected, not its comparison.
    corrected = CLAIM | {"says": "As printed.", "not_comparable": "another network"}
    worded = declared_claims(config(corrected), {"claims": again}, paths)
    assert marks(worded) == marks(again)
    assert [claim["says"] for claim in worded] == ["As printed.", "…", "…"]
    assert worded[0]["not_comparable"] == "another network"
    # A claim cannot be made to disappear.
    assert declared_claims(config(), {"claims": again}, paths) == again


def test_a_claim_about_a_transferred_ticket_is_late_once_that_is_trained(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path / "run")
    make_run(paths.root, masks=False, rounds=1, seeds=[0], arms=("winning",))
    rows = pd.read_csv(paths.results, keep_default_na=False)
    moved = rows[rows["arm"] == "winning"].assign(source="mnist")
    pd.concat([rows, moved]).to_csv(paths.results, index=False)
    for name, late in (("mnist", True), ("digits", False)):
        claim = CLAIM | {"compare": f"winning from {name} > winning"}
        assert declared_claims(config(claim), {}, paths)[0]["post_hoc"] is late


def test_claims_about_unknown_arms_are_refused() -> None:
    with pytest.raises(LotteryError, match=r"reint.*reinit"):
        check_claims(config(CLAIM | {"compare": "winning > reint"}))
