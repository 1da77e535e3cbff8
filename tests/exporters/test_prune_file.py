"""Pruning a saved model file."""

import zipfile

import keras
import numpy as np
import pytest
from safetensors.numpy import load_file

from keras_lottery.errors import LotteryError
from keras_lottery.exporters import prune_file, sensitivity_file

from .made import mlp, values


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    path = tmp_path_factory.mktemp("source") / "model.keras"
    model = mlp(20, 30, 10)
    model.compile("adam", "mse")
    model.save(path)
    return path


@pytest.mark.backend
def test_the_smallest_weights_of_the_file_are_zero_in_the_other(source, tmp_path):
    before = source.read_bytes()
    report = prune_file(source, 0.9, tmp_path / "pruned.keras")
    assert (report.prunable, report.prunable_zeros) == (900, 810)
    old, new = (
        np.concatenate([v.ravel() for v in values(model) if v.ndim == 2])
        for model in (
            keras.saving.load_model(source, compile=False),
            keras.saving.load_model(tmp_path / "pruned.keras"),
        )
    )
    kept = np.sort(np.argsort(np.abs(old))[810:])
    assert np.array_equal(np.flatnonzero(new), kept) and np.array_equal(new[kept], old[kept])
    assert source.read_bytes() == before


def test_zeros_of_the_file_stay_and_count(source, tmp_path):
    once, twice = tmp_path / "once.keras", tmp_path / "twice.keras"
    prune_file(source, 0.5, once)
    report = prune_file(once, 0.6, twice, criterion="random")
    assert (report.prunable, report.prunable_zeros) == (900, 540)
    with pytest.raises(LotteryError, match=r"at least 0\.5"):
        prune_file(once, 0.4, tmp_path / "thrice.keras")


def test_options_select_the_pruned_variables(source, tmp_path):
    report = prune_file(source, 0.5, tmp_path / "pruned.keras", output=False)
    assert (report.prunable, report.prunable_zeros) == (600, 300)


def test_any_format_can_be_written(source, tmp_path):
    out = tmp_path / "pruned.safetensors"
    report = prune_file(source, 0.9, out, format="safetensors", quantize="int8")
    assert report.quantization == "Keras' int8"
    assert (report.prunable, report.prunable_zeros) == (900, 810)
    assert load_file(out)["layers/dense/kernel"].dtype == np.int8


@pytest.mark.backend
def test_channels_are_removed_for_real(source, tmp_path):
    report = prune_file(
        source, None, tmp_path / "small.keras", pattern="channels", flops=0.5, compact=True
    )
    old, new = (
        keras.saving.load_model(path, compile=False) for path in (source, tmp_path / "small.keras")
    )
    kernels = [value for value in values(new) if value.ndim == 2]
    assert 0.4 * 900 < sum(kernel.size for kernel in kernels) <= 0.5 * 900
    assert new.count_params() < old.count_params() and all(kernel.all() for kernel in kernels)
    sizes = old.count_params(), new.count_params()
    assert (report.dense.parameters, report.parameters) == sizes
    assert 0.4 * report.flops[0] < report.flops[1] <= 0.5 * report.flops[0]
    assert f"FLOPs │ {report.flops[1]:,} │ {report.flops[0]:,}" in " ".join(str(report).split())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"flops": 1.5, "pattern": "channels"}, "flops, a finite number from 0 up to 1"),
        ({"flops": 0.5, "sparsity": 0.5, "pattern": "channels"}, "one of sparsity, flops and"),
        ({"flops": 0.5}, "pattern='channels' with flops="),
        ({"bytes": 10, "pattern": "channels"}, "at least [0-9,]+ bytes"),
        ({"pattern": "8:32", "sparsity": 0.5}, "not a multiple of 32"),
        ({"pattern": "5:10", "sparsity": 0.6}, "N of every M"),
        ({"criterion": "batch_norm_scale", "sparsity": 0.5}, "pattern='channels' with the crit"),
        ({"criterion": "movement", "sparsity": 0.5}, "no more than the weights and data.*initial"),
        ({"criterion": "taylor", "sparsity": 0.5}, "--data.*for the criterion 'taylor'"),
        ({"finetune_epochs": 2, "sparsity": 0.5}, "--data.*for fine-tuning"),
        ({"optimizer": "sgd", "sparsity": 0.5}, "--data.*for fine-tuning"),
        ({"finetune_epochs": -1, "sparsity": 0.5}, "finetune_epochs"),
        ({"data": "x.npz", "sparsity": 0.5}, "a use for --data"),
    ],
)
def test_targets_that_cannot_be_reached_write_nothing(settings, message, source, tmp_path):
    with pytest.raises(LotteryError, match=message):
        prune_file(source, out=tmp_path / "pruned.keras", **{"sparsity": None} | settings)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("sparsity", [1.0, -0.1, float("nan"), 90])
def test_a_sparsity_outside_0_and_1(sparsity, source, tmp_path):
    with pytest.raises(LotteryError, match=r"sparsity in \[0, 1\)"):
        prune_file(source, sparsity, tmp_path / "pruned.keras")


def test_a_file_that_is_missing_garbled_or_no_keras_file(source, tmp_path):
    cut, text = tmp_path / "cut.keras", tmp_path / "text.txt"
    cut.write_bytes(source.read_bytes()[:2000])
    text.write_text("hello")
    for path in (tmp_path / "missing.keras", cut, text):
        with pytest.raises(LotteryError, match=r"Expected a \.keras file"):
            prune_file(path, 0.5, tmp_path / "pruned.keras")
    assert {p.name for p in tmp_path.iterdir()} == {"cut.keras", "text.txt"}


def test_the_other_file_must_be_new_and_named_keras(source, tmp_path):
    with pytest.raises(LotteryError, match="which exists"):
        prune_file(source, 0.5, source)
    with pytest.raises(LotteryError, match=r"ends in \.keras"):
        prune_file(source, 0.5, tmp_path / "pruned")


def test_an_unknown_criterion_or_scope(source, tmp_path):
    for wrong in ({"criterion": "size"}, {"scope": "layers"}):
        with pytest.raises(LotteryError, match=r"Received: '(size|layers)'"):
            prune_file(source, 0.5, tmp_path / "pruned.keras", **wrong)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Targets that only the first of the 20 inputs explains."""
    path = tmp_path_factory.mktemp("data") / "data.npz"
    x = np.random.default_rng(0).normal(size=(256, 20)).astype("float32")
    np.savez(path, x=x, y=np.repeat(x[:, :1], 10, axis=1))
    return path


def loss_of(path, data):
    with np.load(data) as arrays:
        model = keras.saving.load_model(path, compile=False)
        return float(np.mean((model.predict(arrays["x"], verbose=0) - arrays["y"]) ** 2))


@pytest.mark.backend
def test_fine_tuning_lowers_the_loss_and_keeps_the_zeros(source, data, tmp_path):
    files = tmp_path / "pruned.keras", tmp_path / "tuned.keras"
    prune_file(source, 0.8, files[0])
    report = prune_file(source, 0.8, files[1], data=data, finetune_epochs=3)
    assert (report.prunable, report.prunable_zeros) == (900, 720)
    assert loss_of(files[1], data) < loss_of(files[0], data)
    old, new = (values(keras.saving.load_model(path, compile=False)) for path in files)
    assert all(np.array_equal(a == 0, b == 0) for a, b in zip(old, new) if a.ndim == 2)


@pytest.mark.backend
def test_a_criterion_that_reads_data(source, data, tmp_path):
    report = prune_file(source, 0.9, tmp_path / "out.keras", criterion="taylor", data=data)
    assert report.prunable_zeros == 810
    first = keras.saving.load_model(tmp_path / "out.keras", compile=False).layers[0].get_weights()
    by_input = np.count_nonzero(first[0], axis=1)
    assert by_input[0] == by_input.max()


def test_a_file_that_is_not_compiled_needs_a_loss(data, tmp_path):
    path, out = tmp_path / "plain.keras", tmp_path / "out.keras"
    mlp(20, 30, 10).save(path)
    with pytest.raises(LotteryError, match=r"plain\.keras, which has no loss.*--loss"):
        prune_file(path, 0.5, out, data=data, finetune_epochs=1)
    for wrong in ({"loss": "meen"}, {"loss": "mse", "optimizer": "adem"}):
        with pytest.raises(LotteryError, match=r"--(loss=meen|optimizer=adem)"):
            prune_file(path, 0.5, out, data=data, finetune_epochs=1, **wrong)
    with pytest.raises(LotteryError, match=r"epochs to train with the optimizer.*'sgd' and none"):
        prune_file(path, 0.5, out, data=data, criterion="taylor", loss="mse", optimizer="sgd")
    report = prune_file(
        path, 0.5, out, data=data, finetune_epochs=1, loss="mse", optimizer="sgd", dense=False
    )
    assert report.prunable_zeros == 450 and loss_of(out, data) != loss_of(path, data)


def test_labels_without_a_unit_are_refused(tmp_path):
    # On JAX their loss is 0, so that they would go unnoticed.
    path, labels = tmp_path / "plain.keras", tmp_path / "labels.npz"
    mlp(20, 30, 10).save(path)
    np.savez(labels, x=np.ones((4, 20)), y=np.array([0, 9, 10, 3]))
    loss = "sparse_categorical_crossentropy"
    with pytest.raises(LotteryError, match=r"labels from 0 to 9.*1 others, such as 10"):
        prune_file(path, 0.5, tmp_path / "o.keras", data=labels, finetune_epochs=1, loss=loss)
    with pytest.raises(LotteryError, match=r"labels from 0 to 9.*1 others, such as 10"):
        sensitivity_file(path, labels, [0.5], loss=loss)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04cut"])
def test_a_damaged_model_file_is_named_as_such(content, tmp_path):
    path = tmp_path / "model.keras"
    path.write_bytes(content)
    with pytest.raises(LotteryError, match=r"model\.keras, which is damaged or of another kind"):
        prune_file(path, 0.5, tmp_path / "out.keras")


GOOD = {"x": np.ones((4, 20)), "y": np.ones((4, 10))}


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (b"", "an .npz file.*a file of another kind"),
        (b"x,y\n1,2\n", "an .npz file.*a file of another kind"),
        ({"a": np.ones(4), "b": np.ones(4)}, "the arrays x and y in.*no x"),
        (GOOD | {"y": np.ones((3, 10))}, r"as many targets as examples.*y of shape \(3, 10\)"),
        ({"x": np.ones((0, 20)), "y": np.ones((0, 10))}, "one at least"),
        (GOOD | {"x": np.array([{}] * 4, object)}, "arrays of Python objects, which are not read"),
        (GOOD | {"y": np.array(["a"] * 4)}, "real numbers.*y of dtype <U1"),
        (GOOD | {"x": np.where(np.arange(20) == 3, np.nan, GOOD["x"])}, "x with 4 of 80 NaN"),
        (GOOD | {"x": np.ones((4, 7))}, r"can be trained.*x of shape \(4, 7\).*--data"),
        (GOOD | {"y": np.ones((4, 9))}, r"can be trained.*y of shape \(4, 9\).*--data"),
    ],
    ids=[
        "nothing in it",
        "text",
        "other names",
        "other lengths",
        "no examples",
        "objects",
        "strings",
        "nan",
        "x of another shape",
        "y of another shape",
    ],
)
def test_data_that_cannot_be_used_are_one_error(wrong, reason, source, tmp_path):
    path, out = tmp_path / "bad.npz", tmp_path / "out.keras"
    if isinstance(wrong, bytes):
        path.write_bytes(wrong)
    else:
        np.savez(path, **wrong)
    for use in ({"finetune_epochs": 1}, {"criterion": "taylor"}):
        with pytest.raises(LotteryError, match=reason) as error:
            prune_file(source, 0.5, out, data=path, **use)
        assert "\n" not in str(error.value) and "Exception encountered" not in str(error.value)
    assert {file.name for file in tmp_path.iterdir()} == {"bad.npz"}


def test_a_file_that_names_functions_which_do_more_than_compute_is_refused(tmp_path):
    path = tmp_path / "model.keras"
    relu = keras.layers.Lambda(keras.activations.relu)
    keras.Sequential([keras.Input((3,)), relu, keras.layers.Dense(2)]).save(path)
    prune_file(path, 0.5, tmp_path / "pruned.keras")
    with zipfile.ZipFile(path) as file:
        members = {name: file.read(name) for name in file.namelist()}
    config = members["config.json"].decode()
    known = '"module": "builtins", "class_name": "function", "config": "relu"'
    assert known in config
    function = '"module": "{}", "class_name": "function", "config": "{}"'
    object_ = '"module": "{}", "class_name": "{}", "config": {{}}'  # Keras finds the function, too
    for form, module, name in (
        (function, "keras.utils", "get_file"),
        (function, "builtins", "deserialize"),
        (object_, "keras.utils", "get_file"),
        (object_, "keras", "utils.get_file"),
        (object_, "keras.src.utils.file_utils", "get_file"),
        (object_, "keras.datasets.mnist", "load_data"),
        (object_, "keras.applications", "ResNet50"),
    ):
        evil = form.format(module, name)
        members["config.json"] = config.replace(known, evil)
        with zipfile.ZipFile(tmp_path / "evil.keras", "w") as file:
            for member, content in members.items():
                file.writestr(member, content)
        with pytest.raises(LotteryError, match=rf"only compute.*function {module}\.{name}"):
            prune_file(tmp_path / "evil.keras", 0.5, tmp_path / "out.keras")
