"""Which claims a run declared before its trainings existed."""

from collections.abc import Mapping
from typing import Any

from keras_lottery.claims import Claim
from keras_lottery.config import Config, thaw
from keras_lottery.records import read_results
from keras_lottery.run_paths import RunPaths

POST_HOC = "post_hoc"


def declared_claims(
    config: Config, recorded: Mapping[str, Any], paths: RunPaths
) -> list[dict[str, Any]]:
    """Returns the claims of a config as config.json records them.

    A claim that an earlier call recorded keeps its mark, and stays even if the config has dropped
    it. A new claim, or one that changed in any field, is post hoc if networks that it compares
    are already trained.

    Args:
        config: the config of this call.
        recorded: what config.json holds; empty for a new run.
        paths: the run folder.
    """
    before = [dict(claim) for claim in recorded.get("claims") or ()]
    known = [{k: v for k, v in claim.items() if k != POST_HOC} for claim in before]
    now = zip(config.claims, thaw(config)["claims"])
    return before + [
        fields | {POST_HOC: _is_late(claim, config, paths)}
        for claim, fields in now
        if fields not in known
    ]


def _is_late(claim: Claim, config: Config, paths: RunPaths) -> bool:
    if config.study != "tickets":  # a study's table holds all of its arms
        return any(paths.root.glob("*.csv"))
    trained = {row.arm for row in read_results(paths.results)} if paths.results.exists() else set()
    return {claim.arm, claim.control} - {""} <= trained
