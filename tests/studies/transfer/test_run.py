"""Tickets of some variants of an experiment, trained on others."""

import json

import pytest

from keras_lottery import config as configs
from keras_lottery import report, studies
from keras_lottery.config import presets
from keras_lottery.errors import LotteryError
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from tests.engine.small import FIELDS


def config(out, **fields):
    import keras

    small = FIELDS | {
        "study": "transfer",
        "prune.output": False,
        "arms": ["winning", "permuted_global"],
        "options.variants.low.data.classes": (0, 1, 2, 3, 4),
        "options.variants.high.data.classes": (5, 6, 7, 8, 9),
        "options.variants.few": {"data": {"train_size": 300}, "optimizer": {"name": "sgd"}},
        "out": str(out),
        "backend": keras.config.backend(),
    }
    return configs.freeze(presets.load("quickstart", small | fields))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Tickets of `few` and `low`, trained on `low` and `high`."""
    given = {"options.sources": ("few", "low"), "options.targets": ("low", "high")}
    settings = config(tmp_path_factory.mktemp("runs"), **given)
    return settings, studies.run(settings)


def test_every_target_takes_every_other_source_at_every_round(runs):
    _, run = runs
    rows = {name: read_results(run / f"{name}.csv") for name in ("few", "low", "high")}
    assert {r.source for r in rows["low"]} == {"", "few"}
    assert {r.source for r in rows["high"]} == {"", "few", "low"}
    assert {r.arm for r in rows["few"]} == {"dense", "winning"}
    for target in ("low", "high"):
        for source in {r.source for r in rows[target]}:
            found = [r.round for r in rows[target] if r.source == source and r.arm == "winning"]
            assert found == [1, 2]


def test_a_variant_is_searched_once_whatever_takes_its_tickets(runs):
    settings, run = runs
    before = {p: p.stat().st_mtime_ns for p in run.parent.rglob("*.ticket.safetensors")}
    other = config(run.parent, **{"options.sources": ("few",), "options.targets": ("high",)})
    assert studies.run(other) != run
    after = {p: p.stat().st_mtime_ns for p in run.parent.rglob("*.ticket.safetensors")}
    assert before == after
    assert studies.run(settings) == run


def test_the_page_compares_each_source_with_the_random_ticket_and_the_targets_own(runs):
    _, run = runs
    files = report.build(run)
    assert {f.name for f in files.figures} == {"low.png", "high.png", "matrix.png"}
    text = files.markdown.read_text()
    assert "`winning from few`" in files.headline[0] and "`permuted_global`" in files.headline[0]
    assert "steps of search" in text
    _, _, few = text.partition("Every level of few, a source alone")
    assert few.count("| winning | ") == 2 and "a source alone" not in few


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"options.sources": ("lo",)}, r"options\.sources: expected names of variants"),
        ({"options.variants": {"a": {}}}, r"options\.variants: expected two or more"),
        ({"options.variants.low": 3}, r"options\.variants\.low: expected a section"),
    ],
)
def test_bad_options_are_named(tmp_path, fields, message):
    with pytest.raises(LotteryError, match=message):
        config(tmp_path, **fields)


def test_a_variant_that_does_not_fit_is_found_before_anything_is_trained(tmp_path):
    wrong = config(tmp_path, **{"options.variants.low.data.clases": (1, 2)})
    with pytest.raises(LotteryError, match=r"data\.classes"):
        studies.run(wrong)
    assert not list(tmp_path.iterdir())


def test_every_variants_rewind_point_is_checked_before_anything_is_trained(tmp_path):
    wrong = config(tmp_path, **{"options.variants.low.rewind.to": "4000it"})
    with pytest.raises(LotteryError, match="before the end"):
        studies.run(wrong)
    assert not list(tmp_path.rglob("results.csv"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"model.name": "small_cnn", "model.hidden": (300, 100)}
            | {"options.arms": ("permuted_input",)},
            "chain of dense layers for the arm permuted_input",
        ),
        ({"options.arms": ("init_snip",)}, "arms that use a ticket's masks"),
        ({"options.variants.high.prune.rates": {"none": 0.5}}, "none"),
    ],
)
def test_arms_and_rounds_are_checked_before_anything_is_trained(tmp_path, fields, message):
    with pytest.raises(LotteryError, match=message):
        studies.run(config(tmp_path, **fields))
    assert not list(tmp_path.rglob("results.csv"))


def test_rows_are_those_of_the_variants_own_runs(runs):
    settings, run = runs
    assert json.loads((run / "config.json").read_text())["config"]["study"] == "transfer"
    for name in ("low", "high"):
        own = next(p for p in run.parent.iterdir() if p.name.startswith(f"{settings.name}-{name}-"))
        assert RunPaths(own).results.read_bytes() == (run / f"{name}.csv").read_bytes()
