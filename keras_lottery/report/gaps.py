"""Sentences about missing and diverged trainings, and about dead networks."""

from collections.abc import Iterable, Sequence

from keras_lottery.arms import rounds_of
from keras_lottery.records import CONSTANT_OUTPUT, ResultRow, read_metrics, series
from keras_lottery.report.formatting import rounds_text
from keras_lottery.report.results import DENSE, Results
from keras_lottery.types import DIVERGED, SKIPPED, Training


def diverged(rows: Sequence[ResultRow]) -> list[str]:
    """Returns which trainings diverged, and how many were skipped because of them."""
    trainings = [row.training for row in rows if row.status == DIVERGED]
    skipped = sum(row.status == SKIPPED for row in rows)
    if not trainings and not skipped:
        return []
    text = f"Diverged: {_names(trainings)}." if trainings else "A source's trainings diverged."
    if skipped:
        noun = "training that descends" if skipped == 1 else "trainings that descend"
        text += (
            f" {skipped} {noun} from a diverged one {'was' if skipped == 1 else 'were'} skipped."
        )
    return [f"{text} Means and intervals leave them out."]


def dead(results: Results) -> list[str]:
    """Returns a sentence that names the networks with a constant output, if there are any."""
    if not results.paths.metrics.exists():
        return []
    metrics = read_metrics(results.paths.metrics)
    dead = {row.training for row in metrics if row.name == CONSTANT_OUTPUT and row.value}
    trainings = [row.training for row in results.rows if row.training in dead]
    if not trainings:
        return []
    return [f"Constant output (the same for every test example): {_names(trainings)}."]


def missing(results: Results) -> list[str]:
    """Returns sentences about trainings of the config that the run doesn't have yet."""
    config = results.config
    prune = config.get("prune", {})
    rounds, arm_rounds = int(prune.get("rounds", 0)), prune.get("arm_rounds", {})
    planned = {(DENSE, seed, 0) for seed in config.get("seeds", ())}
    planned |= {
        (arm, seed, number)
        for arm in config.get("arms", ())
        for seed in config.get("seeds", ())
        for number in rounds_of(arm, rounds, arm_rounds.get(arm, ()))
        if arm != DENSE
    }
    ended = {(row.arm, row.seed, row.round) for row in (*results.rows, *results.lost)}
    sentences = []
    for arm in dict.fromkeys([DENSE, *config.get("arms", ())]):
        of_arm = {key for key in planned if key[0] == arm}
        if pending := of_arm - ended:
            numbers = sorted({key[2] for key in pending})
            sentences.append(
                f"`{arm}`: {len(pending)} of {len(of_arm)} networks (one per seed and round) are "
                f"not finished, in {rounds_text(numbers)}."
            )
    if len(results.seeds) == 1:
        sentences.append("Only one seed, so no standard deviation or interval.")
    return sentences


def _names(trainings: Iterable[Training]) -> str:
    return "; ".join(
        f"seed {t.seed} round {t.round} `{series(t)}`" + (f" draw {t.draw}" if t.draw else "")
        for t in trainings
    )
