"""No string in a `.keras` file runs code, here or in another process."""

import importlib
import json
import zipfile

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.errors import LotteryError
from keras_lottery.exporters import prune_file
from keras_lottery.exporters.subprocess.archive import loading

USERS = """
import pathlib
import keras

def touch(x):
    pathlib.Path({marker!r}).touch()
    return x

def double(x):
    return 2 * x

@keras.saving.register_keras_serializable("users")
def triple(x):
    return 3 * x

class Ones(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.ones(shape, dtype)
"""

LAMBDA = {"class_name": "__lambda__", "config": {"code": "4w==", "defaults": None, "closure": None}}


@pytest.fixture
def users(tmp_path, monkeypatch):
    """A module of the user's, imported here, in which `touch` leaves a file behind."""
    (tmp_path / "users_things.py").write_text(USERS.format(marker=str(tmp_path / "marker")))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(importlib.sys.modules, "users_things", raising=False)
    return importlib.import_module("users_things")


def hiding(*hidden, extra=()):
    """Returns a model in whose config each of `hidden` is the seed of a layer that draws none."""
    layers = [keras.layers.Dropout(0.0, seed=value) for value in hidden]
    ends = [keras.layers.Dense(4, "relu"), keras.layers.Dense(2, "tanh")]
    return keras.Sequential([keras.Input((3,)), *layers, *extra, *ends])


def function(module, name, registered):
    return {
        "module": module,
        "class_name": "function",
        "config": name,
        "registered_name": registered,
    }


def saved(model, folder):
    path = folder / "model.keras"
    model.save(path)
    return path


def change_layer(path, changes):
    """Changes the entry of a saved model's first layer."""
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    config = json.loads(parts["config.json"])
    config["config"]["layers"][1] |= changes
    with zipfile.ZipFile(path, "w") as file:
        for part, data in (parts | {"config.json": json.dumps(config).encode()}).items():
            file.writestr(part, data)


def test_a_file_that_renames_functions_runs_none_of_them(users, tmp_path):
    evil = hiding(
        function("users_things", "touch", "relu"),
        function("pickle", "loads", "tanh"),
        {"module": "os", "class_name": "system", "registered_name": "Dense", "config": {}},
    )
    path = saved(evil, tmp_path)
    assert loading(keras.saving.load_model(path), path)["custom_objects"] == {}
    assert prune_file(path, 0.5, tmp_path / "pruned.keras").max_abs_difference < 1e-5
    assert kl.export(keras.saving.load_model(path), tmp_path / "out").max_abs_difference < 1e-5
    assert not (tmp_path / "marker").exists()


def test_what_the_model_refers_to_and_what_keras_has_registered_is_found(users, tmp_path):
    layers = [
        keras.layers.Dense(3, users.double, kernel_initializer=users.Ones()),
        keras.Sequential([keras.layers.Lambda(users.triple)]),
    ]
    objects = {
        "Ones": "users_things:Ones",
        "double": "users_things:double",
        "users>triple": "users_things:triple",
    }
    model = keras.Sequential([keras.Input((3,)), *layers])
    found = loading(model, saved(model, tmp_path))
    assert (found["custom_objects"], found["safe_mode"]) == (objects, True)
    # A lambda of the user's own may run in the child.
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Lambda(lambda x: 2 * x)])
    found = loading(model, saved(model, tmp_path))
    assert (found["custom_objects"], found["safe_mode"]) == (objects, False)
    assert kl.export(model, tmp_path / "a.keras", "keras").max_abs_difference < 1e-5


@pytest.mark.parametrize("own", [False, True], ids=["none of its own", "one of its own"])
def test_a_lambda_that_only_the_file_has_is_refused(own, tmp_path):
    extra = [keras.layers.Lambda(lambda x: 2 * x)] if own else []
    model = hiding(LAMBDA, extra=extra)
    with pytest.raises(LotteryError, match="a model whose code is its own"):
        loading(model, saved(model, tmp_path))
    with pytest.raises(LotteryError, match="a model whose code is its own"):
        kl.export(model, tmp_path / "out.keras", "keras")
    assert {path.name for path in tmp_path.iterdir()} == {"model.keras"}


def test_a_file_with_a_lambda_is_refused_before_it_is_loaded(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Lambda(lambda x: 2 * x)])
    path = saved(model, tmp_path)
    with pytest.raises(LotteryError, match=r"without code in it\. Received: .*model\.keras"):
        prune_file(path, 0.5, tmp_path / "pruned.keras")


def test_a_file_whose_text_was_changed_names_no_class(users, tmp_path):
    """An entry in the place of a layer is Keras' to refuse, in this process."""
    path = saved(hiding(), tmp_path)
    for module, name in (("users_things", "Ones"), ("subprocess", "Popen")):
        change_layer(path, {"module": module, "class_name": name})
        with pytest.raises(LotteryError, match=r"Expected a \.keras file that Keras can load"):
            prune_file(path, 0.5, tmp_path / "pruned.keras")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        *(({"class_name": name}, "without code") for name in ("TFSMLayer", "TorchModuleWrapper")),
        ({"module": "keras", "class_name": "layers.TorchModuleWrapper"}, "without code"),
        ({"class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}}, "/etc/passwd"),
    ],
)
def test_keras_loads_no_file_that_names_code_or_other_files(
    changes, message, tmp_path, monkeypatch
):
    """Older versions of Keras have no safe mode for some of them."""
    path = saved(hiding(), tmp_path)
    change_layer(path, changes)
    monkeypatch.setattr(keras.saving, "load_model", lambda *_, **__: pytest.fail("was loaded"))
    with pytest.raises(LotteryError, match=message):
        prune_file(path, 0.5, tmp_path / "pruned.keras")


def test_a_class_that_was_replaced_is_not_taken_for_the_models(users, tmp_path, monkeypatch):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, users.double)])
    monkeypatch.setattr(users, "double", np.abs)
    with pytest.raises(LotteryError, match=r"can import\. Received: 'double'"):
        loading(model, saved(model, tmp_path))
