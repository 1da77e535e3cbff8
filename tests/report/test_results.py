"""Arms of a family are drawn with the winning ticket, separately from all others."""

from pathlib import Path

from keras_lottery import report
from keras_lottery.report.results import at_start, families, results_by_task, without_families

from .made_run import make_run

ARMS = ("winning", "reinit", "small_final", "movement", "signed_constant")


def test_a_family_has_its_own_figures_before_and_after_training(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", seeds=[0, 1], rounds=3, arms=ARMS, masks=False)
    results = results_by_task(run)[0]
    assert without_families(results).arms == ["winning", "reinit"]
    found = families(results)
    assert found["Mask criteria"].arms == ["winning", "small_final", "movement"]
    assert found["Kept values"].arms == ["winning", "signed_constant"]
    files = report.build(run, tensorboard=False)
    names = {path.name for path in files.figures}
    for family in ("mask_criteria", "kept_values"):
        assert {f"tickets-{family}.png", f"start-{family}.png"} <= names
    assert not any("small_final" in sentence for sentence in files.headline)
    assert "`winning` is" in files.markdown.read_text().split("## Mask criteria")[1]


def test_the_metric_before_training_takes_the_place_of_the_value(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", seeds=[0], rounds=3, masks=False)
    before = at_start(results_by_task(run)[0])
    assert before is not None and before.metric == "initial_accuracy"
    assert {row.value for row in before.rows if row.round == 2} == {0.2}
    (run / "metrics.csv").unlink()
    assert at_start(results_by_task(run)[0]) is None
