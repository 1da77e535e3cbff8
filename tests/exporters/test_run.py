"""The weights that a run trained are exported."""

import json

import numpy as np
import pytest

from keras_lottery.config import TaskSchema, freeze, presets, task_schemas, thaw
from keras_lottery.errors import LotteryError
from keras_lottery.exporters import check_exportable, export_run
from keras_lottery.records import Records, ResultRow
from keras_lottery.records.run_paths import RunPaths
from keras_lottery.tickets import Ticket, save_state
from keras_lottery.types import Training

from . import made

# seed -> value of dense, and of winning at rounds 1, 2 and 3
VALUES = {0: (0.90, 0.95, 0.89, 0.50), 1: (0.94, 0.95, 0.92, 0.50)}


@pytest.fixture(autouse=True)
def made_names(monkeypatch):
    schema = TaskSchema(made.NoSettings, made.NoSettings, f"{made.__name__}:MadeTask")
    monkeypatch.setitem(task_schemas._entries, "made", schema)
    made.CopyExporter().install(monkeypatch)


@pytest.fixture
def run(tmp_path):
    """Three rounds of two seeds; weights are 10 × seed + round, and the second is pruned."""
    paths = RunPaths(tmp_path / "run")
    paths.root.mkdir()
    config = thaw(freeze({"name": "made", "task": "made", "data": {}, "model": {}}))
    paths.config.write_text(json.dumps({"config": config, "higher_is_better": True}))
    records = Records(paths)
    for seed, values in VALUES.items():
        for round, value in enumerate(values):
            training = Training("", "made", seed, round, "winning" if round else "dense")
            add(paths, records, training, value)
    return paths


def add(paths, records, training, value):
    kernel = np.full((2, 1), 10.0 * training.seed + training.round + 1, "float32")
    mask = np.array([[True], [training.round == 0]])
    Ticket({"kernel": mask}, {"kernel": np.zeros((2, 1), "float32")}).save(paths.ticket(training))
    save_state(paths.trained(training), {"kernel": np.where(mask, kernel, 0)})
    sizes = {
        "sparsity": training.round / 4,
        "kept": 4 - training.round,
        "prunable": 4,
        "total": 4,
        "flops": 2,
    }
    times = {"steps": 1, "seconds": 1.0, "compile_seconds": 0.0, "best_step": 1}
    metric = {"metric": "accuracy"} | dict.fromkeys(("value", "final_value", "best_value"), value)
    records.append(ResultRow(**vars(training), **sizes, **times, **metric))


def kernel(path):
    return np.frombuffer(path.read_bytes(), "float32").tolist()


def test_the_trained_weights_of_a_seed_and_round(run, tmp_path):
    report = export_run(run.root, tmp_path / "a.bin", "copy", seed=1, round=2)
    assert kernel(tmp_path / "a.bin") == [13.0, 0.0]
    assert (report.zeros, report.parameters) == (1, 2)
    assert report.notes[0] == (
        "Trained network of seed 1, round 2 (winning), as asked for: "
        "50.00% of the prunable weights remain, accuracy 0.9200."
    )
    assert report.notes[0] in (tmp_path / "a.bin.export.md").read_text()
    chosen = export_run(run.root, tmp_path / "b.bin", "copy").notes[0]
    assert "seed 0, round 2 (winning), the sparsest one kept that is at most one standard" in chosen
    assert (tmp_path / "a.bin.words.txt").read_text() == "one\n"
    with pytest.raises(LotteryError, match="a path that does not exist"):
        export_run(run.root, tmp_path / "a.bin", "copy", seed=1, round=2)


@pytest.mark.parametrize(("by_the_config", "counted"), [(True, 2), (False, 0)])
def test_the_report_counts_what_the_config_lets_be_pruned(
    by_the_config, counted, run, tmp_path, monkeypatch
):
    monkeypatch.setattr(made.MadeTask, "prunable", by_the_config)
    assert export_run(run.root, tmp_path / "a.bin", "copy", seed=1).prunable == counted


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, ""),
        ({"study": "equilibrium"}, "Received: 'equilibrium', which keeps tables"),
        ({"study": "strong_tickets"}, "Received: 'strong_tickets', which keeps tables"),
        ({"arms": ["random"]}, "arm 'winning' for --export. Received: dense, random"),
        ({"keep_trained": []}, ""),
    ],
)
def test_a_run_that_will_keep_nothing_to_export_is_known_before_it_starts(fields, message):
    config = freeze(presets.load("quickstart", fields), allow_unread=True)
    if not message:
        check_exportable(config)
        return
    with pytest.raises(LotteryError, match=message):
        check_exportable(config)


def test_without_tensorflow_a_run_does_not_start_whose_export_needs_it(monkeypatch):
    monkeypatch.setattr("keras_lottery.exporters.run.find_spec", lambda name: None)
    with pytest.raises(LotteryError, match=r"\.\[export\]"):
        check_exportable(freeze(presets.load("quickstart", {})))


def test_nothing_is_left_where_a_file_that_goes_with_it_is_in_the_way(run, tmp_path):
    (tmp_path / "a.bin.words.txt").write_text("mine")
    with pytest.raises(LotteryError, match=r"Received: .*a\.bin\.words\.txt, which exists"):
        export_run(run.root, tmp_path / "a.bin", "copy", seed=1, round=2)
    left = {path.name for path in tmp_path.iterdir() if path.is_file()}
    assert left == {"a.bin.words.txt"} and (tmp_path / "a.bin.words.txt").read_text() == "mine"


def test_round_0_is_the_dense_network(run, tmp_path):
    with pytest.raises(LotteryError, match=r"the dense network, the only one of round 0.*'reinit'"):
        export_run(run.root, tmp_path / "a.bin", "copy", seed=1, round=0, arm="reinit")
    export_run(run.root, tmp_path / "a.bin", "copy", seed=1, round=0)
    assert kernel(tmp_path / "a.bin") == [11.0, 11.0]


def test_the_sparsest_round_within_a_standard_deviation_of_dense(run, tmp_path):
    # Dense: 0.92 ± 0.028, so round 2 with a mean of 0.905 is in and round 3 is out.
    export_run(run.root, tmp_path / "a.bin", "copy")
    assert kernel(tmp_path / "a.bin") == [3.0, 0.0]


def test_the_best_round_where_none_is_as_good_as_dense(run, tmp_path):
    lines = run.results.read_text().replace("0.95", "0.52").replace("0.89", "0.1")
    run.results.write_text(lines)
    export_run(run.root, tmp_path / "a.bin", "copy")
    assert kernel(tmp_path / "a.bin") == [2.0, 0.0]


def test_the_best_round_of_one_seed_which_has_no_standard_deviation(run, tmp_path):
    lines = run.results.read_text().splitlines(keepends=True)
    kept = [line.replace("0.89", "0.9") for line in lines if ",made,1," not in line]
    run.results.write_text("".join(kept))
    export_run(run.root, tmp_path / "a.bin", "copy", seed=0)
    assert kernel(tmp_path / "a.bin") == [2.0, 0.0]


def diverge(run, value):
    """Lets round 2 of seed 0 diverge with a value, so that round 3 is skipped."""
    lines = run.results.read_text().splitlines(keepends=True)
    for index, line in enumerate(lines):
        if ",0,2,winning" in line:
            lines[index] = line.replace("finished", "diverged").replace("0.89", value)
        if ",0,3,winning" in line:
            lines[index] = line.replace("finished", "skipped")
    run.results.write_text("".join(lines))


def test_a_round_without_a_number_is_never_the_best(run, tmp_path):
    # Among NaN, Python's `max` returns whatever comes first.
    diverge(run, "nan")
    export_run(run.root, tmp_path / "a.bin", "copy")
    assert kernel(tmp_path / "a.bin") == [2.0, 0.0]


def test_a_training_that_diverged_is_not_exported(run, tmp_path):
    diverge(run, "0.89")
    export_run(run.root, tmp_path / "a.bin", "copy", seed=1, round=2)
    with pytest.raises(LotteryError, match=r"round .*: 1\. Received: 2"):
        export_run(run.root, tmp_path / "b.bin", "copy", seed=0, round=2)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"seed": 7}, r"seed .*: 0, 1\. Received: 7"),
        ({"seed": 1, "round": 9}, r"round .*: 1, 2, 3\. Received: 9"),
        ({"arm": "reinit", "round": 1}, r"arm .* Received: 'reinit'.* Known: dense, winning"),
        ({"arm": "reinit"}, r"arm .* Received: 'reinit'.* Known: dense, winning"),
        ({"round": 1, "draw": 2}, r"draw .*: 0\. Received: 2"),
    ],
)
def test_an_unknown_name_lists_the_known_ones(asked, message, run, tmp_path):
    with pytest.raises(LotteryError, match=message):
        export_run(run.root, tmp_path / "a.bin", "copy", **asked)
    assert not (tmp_path / "a.bin").exists()


def test_a_run_that_kept_no_weights(run, tmp_path):
    for file in run.root.rglob("*.trained.safetensors"):
        file.unlink()
    with pytest.raises(LotteryError, match="keep_trained"):
        export_run(run.root, tmp_path / "a.bin", "copy")


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(LotteryError, match="Expected a run folder"):
        export_run(tmp_path, tmp_path / "a.bin", "copy")
