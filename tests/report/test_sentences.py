"""The sentences agree with the statistics, and claim nothing more."""

import dataclasses
from pathlib import Path

import pytest

from keras_lottery.report.formatting import percent, unit_of
from keras_lottery.report.gaps import diverged, missing
from keras_lottery.report.results import results_by_task, results_of_rows, without_learned
from keras_lottery.report.sentences import (
    ablations,
    headline,
    learning_speed,
    measured_otherwise,
    relative_to_dense,
    sparse_range,
)
from keras_lottery.report.statistics import (
    dense_level,
    levels,
    nearest_level,
    paired,
    ratio_to_dense,
    sparsest_match,
)
from keras_lottery.report.tables import difference_table

from .made_run import ARMS, make_run


def test_the_headline_equals_the_statistics(bare: Path) -> None:
    results = results_by_task(bare)[0]
    said = headline(results)
    rounds = {11, 12, 13, 14, 15}
    for control, sentence in zip(("reinit", "permuted_layer", "dense"), said, strict=False):
        pair = paired(results.rows, "winning", control, rounds)
        assert pair is not None and pair.mean > 0
        points = f"{100 * pair.mean:.2f} points more accurate than `{control}`"
        assert sentence.startswith(f"At ≤ 10 % of the weights remaining, `winning` is {points}")
        assert f"t interval +{100 * pair.low:.2f} to +{100 * pair.high:.2f}" in sentence
        assert "bootstrap" not in sentence
        assert "n = 5 seeds, rounds 11 to 15" in sentence
    level, dense = sparsest_match(results.rows, "winning", True), dense_level(results.rows)
    assert level is not None and dense is not None
    assert f"({100 * dense.mean:.2f} ± {100 * dense.sd:.2f} %, n = 5 seeds)" in said[-1]
    assert (
        f"{100 * level.remaining:.2f} % of the weights remaining (round {level.round})" in said[-1]
    )
    for sparsity in (0.67, 0.9):
        near = nearest_level(results.rows, "winning", sparsity)
        assert near is not None
        ratio = ratio_to_dense(results.rows, "winning", near.round)
        assert f"at {percent(1 - near.remaining)} pruned, " in said[-1].lower()
        assert f"{ratio:.3f} times dense" in said[-1]


def test_an_interval_that_contains_0_is_said(bare: Path) -> None:
    results = results_by_task(bare)[0]
    swapped = tuple(
        dataclasses.replace(r, value=0.5 + (-1) ** r.seed * 0.1 * (r.arm == "winning"))
        for r in results.rows
    )
    said = headline(dataclasses.replace(results, rows=swapped))
    assert "The interval contains 0." in said[0]


def test_a_difference_of_nothing_is_equal(bare: Path) -> None:
    results = results_by_task(bare)[0]
    for apart in (0.0, 1e-6, -1e-6):
        rows = [
            dataclasses.replace(r, value=0.5 + apart * (r.arm == "winning")) for r in results.rows
        ]
        said = headline(dataclasses.replace(results, rows=rows))[0]
        assert "`winning` equals `reinit` in accuracy (mean paired difference 0.00 points;" in said


def test_diverged_trainings_are_named_and_in_no_mean(bare: Path) -> None:
    results = results_by_task(bare)[0]
    wild = results.rows[5]
    lost = (
        dataclasses.replace(wild, status="diverged", value=float("nan")),
        dataclasses.replace(results.rows[6], status="skipped", value=float("nan")),
    )
    rows = [row for row in results.rows if row not in results.rows[5:7]]
    split = results_of_rows(results.paths, "vision", [*lost, *rows], True, results.config, {})
    assert len(split.rows) == len(rows) and split.lost == lost
    name = f"seed {wild.seed} round {wild.round} `{wild.arm}`"
    said = diverged(split.lost)
    assert said == [
        f"Diverged: {name}. 1 training that descends from a diverged one was skipped. "
        "Means and intervals leave them out."
    ]
    assert missing(split) == [] and diverged(results.lost) == []


def test_below_0_a_difference_stands_for_the_ratio(bare: Path) -> None:
    results = results_by_task(bare)[0]
    near = nearest_level(results.rows, "winning", 0.9)
    lower = tuple(dataclasses.replace(r, value=r.value - 2) for r in results.rows)
    pair = paired(results.rows, "winning", "dense", {near.round}) if near else None
    assert near and pair
    assert relative_to_dense(lower, "winning", near) == f"+{pair.mean:.3f} from dense"
    some = tuple(b if b.arm == "reinit" else a for a, b in zip(results.rows, lower))
    assert relative_to_dense(some, "winning", near) == f"+{pair.mean:.2f} from dense"
    said = headline(dataclasses.replace(results, rows=lower))[-1]
    assert (
        "its value there is" in said
        and "from dense; at" in said
        and "÷" not in said
        and "times" not in said
    )


def test_the_config_says_from_where_on_arms_are_compared(bare: Path) -> None:
    results = results_by_task(bare)[0]
    config = results.config | {"report": {"sparse": 0.2}}
    assert sparse_range(results) == ((11, 12, 13, 14, 15), "at ≤ 10 % of the weights remaining")
    wider = sparse_range(dataclasses.replace(results, config=config))
    assert wider == (tuple(range(8, 16)), "at ≤ 20 % of the weights remaining")


def test_arms_are_compared_at_the_other_moment_too(bare: Path) -> None:
    results = results_by_task(bare)[0]
    assert measured_otherwise(results)[1] == []  # made with one value for both
    rows = tuple(
        dataclasses.replace(r, best_value=r.value - 0.1 * (r.arm == "reinit")) for r in results.rows
    )
    moment, said = measured_otherwise(dataclasses.replace(results, rows=rows))
    apart = paired(rows, "winning", "reinit", range(11, 16), "best_value")
    assert moment == "At the minimum of the validation loss" and len(said) == 3
    assert apart is not None and f"{100 * apart.mean:.2f} points more accurate" in said[0]
    config = results.config | {"train": {"value": "best"}}
    assert measured_otherwise(dataclasses.replace(results, rows=rows, config=config)) == (
        "At the end of the training",
        [],
    )


@pytest.mark.parametrize("lower", [False, True])
def test_ablations_say_which_part_brings_more(tmp_path: Path, lower: bool) -> None:
    arms = ("winning", "one_shot", "winning_init", "permuted_global")
    results = results_by_task(make_run(tmp_path / "run", arms=arms, masks=False, lower=lower))[0]
    said = ablations(results)  # made so that one_shot falls earliest, before it the random ticket
    assert said[0].startswith("Iterative pruning helps more than late rewinding. At ≤ 10 %")
    better = "has a lower perplexity (lower is better) than" if lower else "more accurate than"
    assert "`winning_init`" in said[0] and f"{better} `one_shot`" in said[0]
    assert [text.split("`")[1::2][:2] for text in said[1:]] == [
        ["one_shot", "permuted_global"],
        ["winning_init", "permuted_global"],
    ]
    worse = [
        dataclasses.replace(r, value=r.value - (-1) ** lower * (r.arm == "winning"))
        for r in results.rows
    ]
    without = ablations(dataclasses.replace(results, rows=worse))[0]
    assert without.startswith("Without late rewinding, the value is better than without iterative")
    equal = tuple(
        dataclasses.replace(r, value=0.5 + (-1) ** r.seed * 0.1 * (r.arm == "one_shot"))
        for r in results.rows
    )
    unsettled = ablations(dataclasses.replace(results, rows=equal))[0]
    unclear = "It's unclear whether"
    assert unsettled.startswith(unclear) and unsettled.endswith("The interval contains 0.")
    one = ablations(dataclasses.replace(results, rows=[r for r in results.rows if r.seed == 0]))[0]
    assert one.startswith(f"{unclear} iterative pruning or late rewinding") and "n = 1 seed" in one
    assert ablations(results.subset(("winning", "one_shot"))) == []


def test_lower_is_better(tmp_path: Path) -> None:
    results = results_by_task(make_run(tmp_path / "run", lower=True, masks=False))[0]
    assert "has a lower perplexity (lower is better) than `reinit`, by" in headline(results)[0]
    assert "has 3.52 % of the weights remaining" in headline(results)[-1]
    near = nearest_level(results.rows, "winning", 0.9)
    apart = paired(results.rows, "winning", "dense", {near.round})
    assert f"dense ({unit_of(results.rows).difference(apart.mean)})" in headline(results)[-1]


def test_one_seed_gets_no_interval(tmp_path: Path) -> None:
    results = results_by_task(make_run(tmp_path / "run", seeds=[3], rounds=4, masks=False))[0]
    assert "At 41.0 % of the weights remaining, the sparsest level so far" in headline(results)[0]
    assert "n = 1 seed, so no interval" in headline(results)[0]
    assert "With a single dense network there's no standard deviation" in headline(results)[-1]
    assert missing(results) == ["Only one seed, so no standard deviation or interval."]


def test_two_seeds_are_too_few_for_their_interval(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", seeds=[0, 1], arms=("winning",), rounds=12, masks=False)
    results = results_by_task(run)[0]
    assert "n = 2 seeds, too few to rely on the interval" in headline(results)[0]
    table = difference_table(results)
    assert table is not None and {row[-1] for row in table.rows} == {"2: too few"}


def test_only_dense_and_no_winning(tmp_path: Path) -> None:
    results = results_by_task(make_run(tmp_path / "dense", arms=(), masks=False))[0]
    (said,) = headline(results)
    assert said.startswith("Only the dense network is trained: accuracy 96.")
    begun = dataclasses.replace(results, config=results.config | {"arms": ["winning"]})
    (said,) = headline(begun)
    assert said.startswith("Only the dense network has been trained so far: accuracy 96.")
    results = results_by_task(make_run(tmp_path / "reinit", arms=("reinit",), masks=False))[0]
    assert "No `winning` network has finished yet" in headline(results)[0]
    assert learning_speed(results) == []


def test_learned_masks_are_set_against_dense_at_their_best_level(tmp_path: Path) -> None:
    made = results_by_task(make_run(tmp_path / "run", arms=("reinit",), rounds=4, masks=False))[0]
    rows = [dataclasses.replace(r, arm=r.arm.replace("reinit", "edge_popup")) for r in made.rows]
    results = dataclasses.replace(made, rows=tuple(rows))
    (said,) = headline(results)
    best = max(levels(results.rows, "edge_popup"), key=lambda level: level.mean)
    assert f"At {percent(best.remaining)} of the weights remaining, `edge_popup` is" in said
    assert "`dense`" in said and f"Its mean is {best.mean * 100:.2f} ±" in said


def test_an_arm_that_is_trained_once_is_not_missing_later(tmp_path: Path) -> None:
    made = results_by_task(make_run(tmp_path / "run", arms=("reinit",), rounds=3, masks=False))[0]
    rows = [
        dataclasses.replace(row, arm=row.arm.replace("reinit", "supermask"))
        for row in made.rows
        if row.round < 2
    ]
    config = made.config | {"arms": ["supermask"]}
    assert missing(dataclasses.replace(made, rows=tuple(rows), config=config)) == []


def test_an_arm_that_learns_its_sparsity_is_not_compared_with_that_of_a_round(
    tmp_path: Path,
) -> None:
    made = results_by_task(make_run(tmp_path / "run", rounds=3, masks=False))[0]
    once = [
        dataclasses.replace(row, arm="supermask", sparsity=0.5, steps=9000, best_step=20)
        for row in made.rows
        if (row.arm, row.round) == ("reinit", 1)
    ]
    results = dataclasses.replace(made, rows=(*made.rows, *once))
    assert results.controls == made.controls and "supermask" in results.arms
    assert not any("`supermask`" in line and "`winning`" in line for line in headline(results))
    assert without_learned(results).rows == made.rows, "their steps can't be compared"


def test_missing_trainings_are_counted(tmp_path: Path) -> None:
    unfinished = [("reinit", 4), ("reinit", 5), ("dense", 0)]
    run = make_run(tmp_path / "run", rounds=5, unfinished=unfinished, masks=False)
    results = results_by_task(run)[0]
    assert missing(results) == [
        "`dense`: 5 of 5 networks (one per seed and round) are not finished, in round 0.",
        "`reinit`: 10 of 25 networks (one per seed and round) are not finished, in rounds 4 to 5.",
    ]
    assert headline(results)[-1].startswith("No dense network is finished")


def test_learning_speed_equals_the_statistics(bare: Path) -> None:
    results = results_by_task(bare)[0]
    pair = paired(results.rows, "winning", "reinit", {11, 12, 13, 14, 15}, "best_step")
    assert pair is not None
    assert f"{-pair.mean:.0f} steps earlier than `reinit`" in learning_speed(results)[0]


def test_minima_at_the_end_of_training_are_reported(bare: Path) -> None:
    results = results_by_task(bare)[0]
    rows = tuple(
        dataclasses.replace(r, best_step=1000 - 100 * (r.arm == "dense")) for r in results.rows
    )
    said = learning_speed(dataclasses.replace(results, rows=rows))
    assert "at the same step as `reinit`" in said[0]
    assert "of 75 of 75 networks was still falling at the last step (1,000)" in said[-1]
    assert "last step" not in learning_speed(results)[-1]


def test_a_single_evaluation_says_nothing_of_the_speed(bare: Path) -> None:
    results = results_by_task(bare)[0]
    rows = tuple(dataclasses.replace(r, best_step=r.steps) for r in results.rows)
    (said,) = learning_speed(dataclasses.replace(results, rows=rows))
    assert said.endswith("how fast they learn is not known.")


def test_values_that_are_not_finite_are_not_compared(bare: Path) -> None:
    results = results_by_task(bare)[0]
    rows = tuple(
        dataclasses.replace(r, value=float("nan")) if r.arm == "reinit" else r for r in results.rows
    )
    said = headline(dataclasses.replace(results, rows=rows))
    assert "`winning` and `reinit` cannot be compared" in said[0]


def test_arms_are_in_the_order_of_the_config(bare: Path) -> None:
    results = results_by_task(bare)[0]
    assert results.arms == list(ARMS)
    assert results.controls == ["reinit", "permuted_layer", "dense"]
