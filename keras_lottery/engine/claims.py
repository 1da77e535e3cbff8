"""Claims declared before a run's trainings existed, and post hoc ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from keras_lottery.config import Config, json_values
from keras_lottery.config.claims import POST_HOC, Claim, recorded_claims
from keras_lottery.records import read_results, series
from keras_lottery.records.run_paths import RunPaths


def declared_claims(
    config: Config, recorded: Mapping[str, Any], paths: RunPaths
) -> list[dict[str, Any]]:
    """Returns the claims of a config as config.json records them.

    A claim recorded by an earlier call keeps its mark, and stays even if the config dropped it; its
    wording and source, and a reason why it can't be compared, are corrected by a claim of the
    config with the same comparison. A new or changed claim is post hoc if networks that it compares
    are already trained.

    Args:
        config: the config of this call.
        recorded: contents of config.json; empty for a new run.
        paths: the run folder.
    """
    before = recorded_claims(recorded)
    known = {_test(claim) for claim, _ in before}
    worded = {_test(claim): claim for claim in config.claims}
    before = [(worded.get(_test(claim), claim), is_late) for claim, is_late in before]
    new = [(c, _is_late(c, config, paths)) for c in config.claims if _test(c) not in known]
    return [json_values(claim) | {POST_HOC: is_late} for claim, is_late in [*before, *new]]


def _test(claim: Claim) -> Claim:
    """Returns what the claim compares, without its words."""
    return replace(claim, says="", source="", not_comparable="")


def _is_late(claim: Claim, config: Config, paths: RunPaths) -> bool:
    if config.study != "tickets":  # a study's table holds all of its arms
        return any(paths.root.glob("*.csv"))
    rows = read_results(paths.results) if paths.results.exists() else []
    trained = {series(row) for row in rows}
    return {claim.arm, claim.control} - {""} <= trained
