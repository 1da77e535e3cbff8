"""Weights & Biases and MLflow get the run's rows."""

from pathlib import Path

import pytest

from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.records import tracker

from .made_rows import row

HISTORY = [{"step": 100, "loss": 0.5}, {"step": 200, "loss": 0.25}]


def fill(writer):
    writer.add(row(round=1, arm="winning", kept=800, value=0.5), HISTORY)
    writer.add(row(round=2, arm="winning", kept=640, value=0.25), [])
    writer.add(row(seed=1, round=1, arm="winning", kept=800, value=0.75), [])
    writer.close()


@pytest.mark.filterwarnings("ignore")  # its own
def test_mlflow_has_a_run_per_arm_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"file:{tmp_path}")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    fill(tracker("mlflow", "made", {"prune.rate": 0.2}, tmp_path))
    client = tracking.MlflowClient()
    experiment = client.get_experiment_by_name("made").experiment_id
    runs = {r.info.run_name: r for r in client.search_runs([experiment])}
    assert set(runs) == {"winning seed 0", "winning seed 1"}
    first = runs["winning seed 0"]
    assert first.data.params["prune.rate"] == "0.2" and first.info.status == "FINISHED"
    values = client.get_metric_history(first.info.run_id, "accuracy")
    assert [(v.step, v.value) for v in values] == [(1, 0.5), (2, 0.25)]
    losses = client.get_metric_history(first.info.run_id, "training/round_01/loss")
    assert [(v.step, v.value) for v in losses] == [(100, 0.5), (200, 0.25)]


@pytest.mark.filterwarnings("ignore")  # its own
def test_wandb_has_a_run_per_arm_and_seed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    fill(tracker("wandb", "made", {"prune.rate": 0.2}, tmp_path))
    wandb.teardown()  # its service writes the files in the background
    files = tmp_path.glob("wandb/offline-run-*/run-*.wandb")
    first, second = sorted((file.read_bytes() for file in files), key=lambda text: b"0.75" in text)
    assert b"training/round_01/loss" in first and b"winning seed 0" in first and b"0.25" in first
    assert b"winning seed 1" in second and b"loss" not in second


def test_a_tracker_is_known_and_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(LotteryError, match="Did you mean 'mlflow'"):
        tracker("mlflo", "made", {}, tmp_path)
    monkeypatch.setattr("keras_lottery.records.trackers.find_spec", lambda name: None)
    for name in ("wandb", "mlflow"):
        with pytest.raises(MissingExtraError, match=rf"\.\[{name}\]"):
            tracker(name, "made", {}, tmp_path)
