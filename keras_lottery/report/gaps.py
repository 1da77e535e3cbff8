"""What a report has to say of trainings that are missing, diverged, or brought a dead network."""

from collections.abc import Iterable, Sequence

from keras_lottery.arms import rounds_of
from keras_lottery.records import CONSTANT_OUTPUT, ResultRow, read_metrics
from keras_lottery.report.formatting import rounds_text
from keras_lottery.report.results import DENSE, Results, series
from keras_lottery.types import DIVERGED, SKIPPED, Training


def diverged(rows: Sequence[ResultRow]) -> list[str]:
    """Returns which trainings diverged, and how many were skipped because of them."""
    found = [row.training for row in rows if row.status == DIVERGED]
    skipped = sum(row.status == SKIPPED for row in rows)
    if not found and not skipped:
        return []
    text = f"Diverged: {_names(found)}." if found else "A source's trainings diverged."
    if skipped:
        noun = "training that descends" if skipped == 1 else "trainings that descend"
        text += (
            f" {skipped} {noun} from a diverged one {'was' if skipped == 1 else 'were'} skipped."
        )
    return [f"{text} Means and intervals leave them out."]


def dead(results: Results) -> list[str]:
    """Returns which networks give the same output for every test example."""
    if not results.paths.metrics.exists():
        return []
    metrics = read_metrics(results.paths.metrics)
    dead = {row.training for row in metrics if row.name == CONSTANT_OUTPUT and row.value}
    found = [row.training for row in results.rows if row.training in dead]
    if not found:
        return []
    return [
        f"The output no longer depends on the input, it is the same for every test example: "
        f"{_names(found)}."
    ]


def missing(results: Results) -> list[str]:
    """Returns what the config asks for and the run does not have yet."""
    config = results.config
    prune = config.get("prune", {})
    rounds, given = int(prune.get("rounds", 0)), prune.get("arm_rounds", {})
    wanted = {(DENSE, seed, 0) for seed in config.get("seeds", ())}
    wanted |= {
        (arm, seed, number)
        for arm in config.get("arms", ())
        for seed in config.get("seeds", ())
        for number in rounds_of(arm, rounds, given.get(arm, ()))
        if arm != DENSE
    }
    there = {(row.arm, row.seed, row.round) for row in (*results.rows, *results.lost)}
    found = []
    for arm in dict.fromkeys([DENSE, *config.get("arms", ())]):
        asked = {key for key in wanted if key[0] == arm}
        lack = asked - there
        if lack:
            numbers = sorted({key[2] for key in lack})
            found.append(
                f"`{arm}`: {len(lack)} of {len(asked)} trainings (seed and round) are not "
                f"finished, in {rounds_text(numbers)}."
            )
    if len(results.seeds) == 1:
        found.append("One seed: no spread and no interval can be given.")
    return found


def _names(trainings: Iterable[Training]) -> str:
    return "; ".join(
        f"seed {t.seed} round {t.round} `{series(t)}`" + (f" draw {t.draw}" if t.draw else "")
        for t in trainings
    )
