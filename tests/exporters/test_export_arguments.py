"""Where an artifact may be written, what comes with it, and what is left of one that is wrong.

None of this depends on the backend.
"""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.exporters.subprocess.child import environment, load_arrays, save_arrays

from .made import CopyExporter, mlp, values


@pytest.fixture
def copy(monkeypatch):
    """A format that needs no child process."""
    return CopyExporter().install(monkeypatch)


@pytest.mark.parametrize("suffix", ["", ".bin"], ids=["folder", "file"])
@pytest.mark.parametrize(
    "sabotage",
    [
        {"wrong_output": 1.0},
        {"wrong_output": np.nan},
        {"lost_variables": 1},
        {"error": OSError(28)},
        {"error": RuntimeError("Writing failed: No space left on device; model.data")},
    ],
    ids=["other answer", "nan", "lost variable", "full disk", "full disk, says a library"],
)
def test_nothing_is_left_where_the_artifact_is_wrong(sabotage, suffix, copy, tmp_path):
    vars(copy).update(sabotage, suffix=suffix)
    expected = r"to write .*Free some space" if "error" in sabotage else "Expected"
    with pytest.raises(kl.LotteryError, match=expected):
        kl.export(mlp(4, 2), tmp_path / f"out{suffix}", format="copy")
    assert not list(tmp_path.iterdir())


def test_a_path_may_begin_with_the_home_folder(copy, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kl.export(mlp(4, 2), "~/a.bin", "copy").path == tmp_path / "a.bin"
    with pytest.raises(kl.LotteryError, match="known user"):
        kl.export(mlp(4, 2), "~no such user/a.bin", "copy")


def test_a_tolerance_of_the_user_is_the_limit(copy, tmp_path):
    copy.wrong_output = 0.5
    assert kl.export(mlp(4, 2), tmp_path / "a.bin", "copy", tolerance=0.6).tolerance == 0.6
    with pytest.raises(kl.LotteryError, match="Expected outputs within 4"):
        kl.export(mlp(4, 2), tmp_path / "b.bin", "copy", tolerance=0.4)


def test_existing_files_are_not_touched(copy, tmp_path):
    (tmp_path / "a.bin").write_text("mine")
    (tmp_path / "b.bin.export.json").write_text("mine")
    for name in ("a.bin", "b.bin"):
        with pytest.raises(
            kl.LotteryError, match=r"that does not exist. Received: .*, which exists"
        ):
            kl.export(mlp(4, 2), tmp_path / name, "copy")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {
        "a.bin": "mine",
        "b.bin.export.json": "mine",
    }


def test_the_users_own_batch_is_taken(copy, tmp_path):
    model = mlp(4, 2)
    kl.export(model, tmp_path / "a.bin", "copy", inputs=np.ones((5, 4)))
    with pytest.raises(kl.LotteryError, match=r"pixels of shape \(5, 3\) instead of \(None, 4\)"):
        kl.export(model, tmp_path / "b.bin", "copy", inputs=np.ones((5, 3)))


@pytest.mark.parametrize("name", ["export.json", "../words.txt", "a/b", ""])
def test_assets_have_plain_names(name, copy, tmp_path):
    with pytest.raises(kl.LotteryError, match="plain file names in `assets`"):
        kl.export(mlp(4, 2), tmp_path / "a.bin", "copy", assets={name: b""})
    assert not list(tmp_path.iterdir())


def test_assets_do_not_replace_the_artifacts_files(copy, tmp_path):
    copy.suffix = ""
    with pytest.raises(kl.LotteryError, match=r"'weights'\. Rename it; nothing was written"):
        kl.export(mlp(4, 2), tmp_path / "new" / "out", "copy", assets={"weights": b""})
    assert not list(tmp_path.iterdir())


def test_arrays_may_have_the_names_of_numpys_arguments(tmp_path):
    arrays = {"file": np.ones(2), "allow_pickle": np.zeros(1)}
    save_arrays(tmp_path / "a.npz", arrays)
    assert {k: v.tolist() for k, v in load_arrays(tmp_path / "a.npz").items()} == {
        "file": [1.0, 1.0],
        "allow_pickle": [0.0],
    }


def test_a_format_refuses_a_model_before_it_writes(copy, monkeypatch, tmp_path):
    monkeypatch.setattr("keras_lottery.exporters.target.check_installed", lambda _: None)
    inputs = [keras.Input((4,)), keras.Input((4,))]
    model = keras.Model(inputs, keras.layers.Dense(2)(keras.layers.Add()(inputs)))
    with pytest.raises(kl.LotteryError, match="one with 2 inputs"):
        kl.export(model, tmp_path / "p", "policy")
    assert not list(tmp_path.iterdir())


def test_a_model_that_answers_nan_cannot_be_verified(copy, tmp_path):
    model = mlp(4, 2)
    model.set_weights([np.full_like(v, np.nan) for v in values(model)])
    with pytest.raises(kl.LotteryError, match="finite outputs"):
        kl.export(model, tmp_path / "a.bin", "copy")


def test_wrong_names_and_places(copy, tmp_path):
    with pytest.raises(kl.LotteryError, match="Did you mean 'saved_model'"):
        kl.export(mlp(4, 2), tmp_path / "out", "savedmodel")
    with pytest.raises(kl.LotteryError, match=r"ends in \.bin"):
        kl.export(mlp(4, 2), tmp_path / "out", "copy")
    (tmp_path / "file").write_text("")
    with pytest.raises(kl.LotteryError, match="folder that can be written to"):
        kl.export(mlp(4, 2), tmp_path / "file" / "a.bin", "copy")


def test_without_tensorflow_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(kl.LotteryError, match=r"pip install '\.\[export\]'"):
        kl.export(mlp(4, 2), tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_the_child_runs_keras_3_on_the_cpu():
    given = {"TF_USE_LEGACY_KERAS": "1", "KERAS_BACKEND": "torch", "HOME": "/home"}
    found = environment(given, "tensorflow")
    assert "TF_USE_LEGACY_KERAS" not in found
    assert (found["KERAS_BACKEND"], found["HOME"]) == ("tensorflow", "/home")


def test_the_function_survives_the_import_of_its_package():
    import keras_lottery.exporters

    assert callable(kl.export) and callable(keras_lottery.exporters.export)
