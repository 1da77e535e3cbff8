"""An exported model has the same outputs and zeros as the original, and no extra bytes."""

import gc
import json
import tarfile
import weakref
import zipfile

import h5py
import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.exporters.subprocess.archive import save_archive

from .made import CopyExporter, mlp, values

pytestmark = pytest.mark.backend

LAYER = """
import keras

class Scale(keras.layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), initializer="ones", name="scale")

    def call(self, inputs):
        return inputs * self.scale * self.factor

    def get_config(self):
        return super().get_config() | {"factor": self.factor}
"""

FORGETFUL = """
import keras

class Times(keras.layers.Layer):
    factor = 2.0  # not in its config

    def call(self, inputs):
        return inputs * self.factor
"""


@pytest.fixture(scope="module")
def masked():
    """266,610 weights, 90 % of the prunable ones pruned away."""
    model = kl.mask(mlp(784, 300, 100, 10))
    kl.prune(model, sparsity=0.9)
    return model


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def saved_model(masked, folder):
    return kl.export(masked, folder / "saved_model")


@pytest.fixture(scope="module")
def keras_file(masked, folder):
    return kl.export(masked, folder / "pruned.keras", format="keras")


@pytest.fixture
def copy(monkeypatch):
    """A format that needs no child process."""
    return CopyExporter().install(monkeypatch)


@pytest.mark.parametrize("name", ["saved_model", "keras_file"])
def test_it_holds_the_zeros_of_the_masks(name, masked, request):
    report = request.getfixturevalue(name)
    masks = masking.get_masks(masked)
    assert {v.path: v.zeros for v in report.variables if v.prunable} == {
        path: int((~mask).sum()) for path, mask in masks.items()
    }
    assert report.prunable_zeros == int(0.9 * 266_200)
    assert (report.prunable, report.parameters) == (266_200, 266_610)


def test_a_saved_model_is_as_large_as_its_values_and_far_smaller_gzipped(saved_model):
    assert saved_model.plain_bytes == 4 * 266_610
    assert saved_model.plain_bytes < saved_model.bytes <= 1.1 * saved_model.plain_bytes
    assert saved_model.gzipped_bytes < 0.2 * saved_model.plain_bytes


def test_a_keras_file_is_deflated(keras_file):
    assert keras_file.bytes < 0.2 * keras_file.plain_bytes


@pytest.mark.parametrize("name", ["saved_model", "keras_file"])
def test_the_dense_network_is_measured_next_to_it(name, request):
    report = request.getfixturevalue(name)
    assert report.dense.parameters == 266_610
    assert report.dense.gzipped_bytes > 0.8 * report.plain_bytes
    assert set(report.latency) == set(report.dense.latency) == {1, 32}
    assert min(report.latency.values()) > 0


@pytest.mark.parametrize("name", ["saved_model", "keras_file"])
def test_it_answers_as_the_model_did(name, request):
    report = request.getfixturevalue(name)
    assert report.max_abs_difference <= 1e-5 <= report.tolerance


@pytest.mark.parametrize("name", ["saved_model", "keras_file"])
def test_the_sizes_are_those_on_disk(name, request, tmp_path):
    report = request.getfixturevalue(name)
    files = [f for f in report.path.rglob("*") if f.is_file()] or [report.path]
    assert sum(f.stat().st_size for f in files if f.stem != "export") == report.bytes
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz", compresslevel=6) as archive:
        for file in files:
            archive.add(file, file.name)
    assert (tmp_path / "all.tar.gz").stat().st_size == pytest.approx(report.gzipped_bytes, rel=0.01)


def test_the_signature_has_names_and_a_free_batch_size(saved_model):
    assert saved_model.inputs == {"pixels": "(None, 784) float32"}
    assert saved_model.outputs == ("outputs",)


def test_nothing_but_the_artifacts_and_their_reports_is_left(saved_model, keras_file, folder):
    names = {path.name for path in folder.iterdir()}
    assert names == {
        "saved_model",
        "pruned.keras",
        "pruned.keras.export.json",
        "pruned.keras.export.md",
    }
    for path in (folder / "saved_model/export.json", folder / "pruned.keras.export.json"):
        assert json.loads(path.read_text())["prunable_zeros"] == saved_model.prunable_zeros


def test_the_keras_file_is_a_plain_model(keras_file, masked):
    plain = keras.saving.load_model(keras_file.path)
    assert not masking.is_masked(plain)
    stripped = values(kl.strip(masked))
    assert all(np.array_equal(a, b) for a, b in zip(values(plain), stripped, strict=True))


def test_a_keras_file_has_no_state_of_training(tmp_path):
    inner = mlp(4, 4)
    model = keras.Sequential([keras.Input((4,)), inner, keras.layers.Dense(1)])
    for part in (inner, model):
        part.compile("adam", "mse")
        part.optimizer.build(part.trainable_variables)
    save_archive(model, tmp_path / "a.keras")
    with zipfile.ZipFile(tmp_path / "a.keras") as file:
        config = file.read("config.json").decode()
        (tmp_path / "a.h5").write_bytes(file.read("model.weights.h5"))
    with h5py.File(tmp_path / "a.h5") as weights:
        paths: list[str] = []
        weights.visit(paths.append)
    assert "layers/dense/vars/0" in paths and not any("optimizer" in path for path in paths)
    assert "compile_config" not in config and "adam" not in config.lower()
    assert model.compiled and inner.optimizer is not None and model.get_compile_config()


def test_the_model_itself_stays_masked_and_unchanged(saved_model, masked):
    assert masking.is_masked(masked)
    assert sum(int((v == 0).sum()) for v in values(kl.strip(masked))) == saved_model.zeros


def test_several_inputs_and_outputs_and_a_layer_of_the_users_own(tmp_path, monkeypatch):
    (tmp_path / "users_layers.py").write_text(LAYER)
    monkeypatch.syspath_prepend(tmp_path)
    from users_layers import Scale

    words = keras.Input((None,), dtype="int32", name="words")
    image = keras.Input((8, 8, 3), name="image")
    text = keras.layers.LSTM(8)(keras.layers.Embedding(50, 16)(words))
    text = keras.layers.Dropout(0.5)(text)
    seen = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3)(image))
    seen = Scale(3.0)(keras.layers.GlobalAveragePooling2D()(seen))
    scores = keras.layers.Dense(3)(keras.layers.Concatenate()([text, seen]))
    model = keras.Model({"words": words, "image": image}, {"scores": scores, "parts": [text, seen]})
    report = kl.export(model, tmp_path / "out")
    assert report.inputs == {"words": "(None, None) int32", "image": "(None, 8, 8, 3) float32"}
    assert report.outputs == ("parts_0", "parts_1", "scores")
    assert report.max_abs_difference < 1e-5
    assert "layers/lstm/cell/recurrent_kernel" in {v.path for v in report.variables}
    if keras.config.backend() == "tensorflow":  # as the model is called, and from a Keras layer
        batch = {"words": np.ones((5, 7), "int32"), "image": np.ones((5, 8, 8, 3), "float32")}
        served, expected = keras.layers.TFSMLayer(report.path)(batch), model(batch, training=False)
        assert np.allclose(served["scores"], expected["scores"], atol=1e-5)
        assert np.allclose(served["parts"][1], expected["parts"][1], atol=1e-5)


def test_a_copy_that_answers_otherwise_is_found(tmp_path, monkeypatch):
    (tmp_path / "forgetful.py").write_text(FORGETFUL)
    monkeypatch.syspath_prepend(tmp_path)
    from forgetful import Times

    model = kl.mask(keras.Sequential([keras.Input((4,)), Times(), keras.layers.Dense(2)]))
    model.layers[0].factor = 3.0
    with pytest.raises(kl.LotteryError, match="Expected outputs within"):
        kl.export(model, tmp_path / "a.keras", "keras")
    with pytest.raises(kl.LotteryError, match="Expected equal outputs"):
        kl.compact(model)
    assert not list(tmp_path.glob("a.keras*"))


def test_a_class_that_only_this_process_has(tmp_path):
    class Local(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    model = keras.Sequential([keras.Input((4,)), Local(), keras.layers.Dense(2)])
    if keras.config.backend() == "tensorflow":
        assert kl.export(model, tmp_path / "out").max_abs_difference < 1e-5
        return
    with pytest.raises(kl.LotteryError, match=r"another process can import. Received: '.*Local'"):
        kl.export(model, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_the_models_that_were_written_are_gone_when_the_artifact_is_read(
    copy, monkeypatch, tmp_path
):
    def save(model, *rest):
        written.append(weakref.ref(model))
        CopyExporter.save(copy, model, *rest)

    def read(parts, subject):
        gc.collect()
        alive.extend(model() for model in written)
        return CopyExporter.read(copy, parts, subject)

    written: list[weakref.ref[keras.Model]] = []
    alive: list[keras.Model | None] = []
    copy.compared, copy.save, copy.read = True, save, read
    masked = kl.mask(mlp(4, 2))
    kl.prune(masked, sparsity=0.5)
    kl.export(masked, tmp_path / "a.bin", "copy")
    assert alive == [None, None]


def test_recurrent_state_stays_as_it_was(copy, tmp_path):
    layer = keras.layers.LSTM(2, stateful=True)
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 4)), layer])
    model(np.ones((2, 3, 4)))
    before = values(layer)
    kl.export(model, tmp_path / "a.bin", "copy")
    assert all(np.array_equal(a, b) for a, b in zip(before, values(layer), strict=True))
    assert any(state.any() for state in map(keras.ops.convert_to_numpy, layer.states))
