"""`keras-lottery sensitivity`: files in, a table, a CSV file and a figure out."""

import csv

import keras
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.exporters import sensitivity_file


@pytest.fixture
def files(tmp_path):
    """A compiled model and its data."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x=np.eye(3), y=np.ones((3, 1)))
    return tmp_path / "model.keras", tmp_path / "data.npz"


def test_a_table_and_a_figure(files, tmp_path):
    table = sensitivity_file(*files, sparsities=(0.5, 0.9), out=tmp_path / "out")
    with (tmp_path / "out" / "sensitivity.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["loss"]) for row in rows] == [row.values["loss"] for row in table.rows]
    assert (tmp_path / "out" / "sensitivity.png").read_bytes().startswith(b"\x89PNG")


def test_a_loss_by_name(files):
    named = sensitivity_file(*files, loss="mae")
    assert named.unpruned != sensitivity_file(*files).unpruned
    with pytest.raises(LotteryError, match="--loss=meen"):
        sensitivity_file(*files, loss="meen")


def test_a_model_that_was_not_compiled(tmp_path, files):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]).save(tmp_path / "plain.keras")
    with pytest.raises(LotteryError, match=r"which has no loss.*--loss"):
        sensitivity_file(tmp_path / "plain.keras", files[1])


@pytest.mark.parametrize(
    "arrays", [{"x": np.eye(3)}, {"x": np.eye(3), "y": np.ones(2)}, {"x": 1.0, "y": 1.0}, None]
)
def test_data_that_do_not_fit(tmp_path, files, arrays):
    path = tmp_path / "bad.npz"
    path.write_text("no archive") if arrays is None else np.savez(path, **arrays)
    with pytest.raises(LotteryError, match=r"bad\.npz"):
        sensitivity_file(files[0], path, out=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_earlier_results_are_kept(files, tmp_path):
    (tmp_path / "sensitivity.png").write_text("earlier")
    with pytest.raises(LotteryError, match=r"does not exist.*sensitivity\.png"):
        sensitivity_file(*files, out=tmp_path)
    assert not (tmp_path / "sensitivity.csv").exists()
    with pytest.raises(LotteryError, match=r"model\.keras"):
        sensitivity_file(*files, out=files[0])
