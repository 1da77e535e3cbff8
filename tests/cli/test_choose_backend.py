"""`--backend=auto`: what decides, in which order."""

import json
import os

import pytest
from ml_collections import ConfigDict

from keras_lottery.cli import choose, commands, fastest
from keras_lottery.cli.choose import choose_backend
from keras_lottery.config import BACKENDS, MODEL_KINDS, freeze, presets
from keras_lottery.errors import LotteryError
from keras_lottery.records.run_paths import paths_of
from keras_lottery.tasks import task_schemas

SHIPPED = fastest.SPEEDS
SPEEDS = {
    "dense": {"jax": 10.0, "tensorflow": 11.0, "torch": 1.0},
    "convolutional": {"jax": 2.0, "tensorflow": 4.0, "torch": 5.0},
    "recurrent": {"jax": 9.0, "tensorflow": 5.0},
}


@pytest.fixture(autouse=True)
def _machine(monkeypatch, tmp_path):
    """A machine with these speeds, TensorFlow and JAX, no GPU and no KERAS_BACKEND."""
    file = tmp_path / "speeds.json"
    file.write_text(json.dumps({"steps_per_second": SPEEDS}))
    monkeypatch.setattr(fastest, "SPEEDS", file)
    monkeypatch.setattr(choose, "find_spec", lambda name: name != "torch" or None)
    monkeypatch.setattr(choose, "visible_gpus", list)
    monkeypatch.setenv("KERAS_BACKEND", "")


def settings(preset, **changes):
    return presets.load(preset, changes)


@pytest.mark.parametrize(
    ("preset", "chosen", "words"),
    [
        ("quickstart", "jax", ""),  # a tenth faster isn't worth it
        ("frankle2019/conv:2", "tensorflow", "2.0 times as fast as jax on convolutional networks"),
        ("yu2019/lstm:ptb_small", "jax", ""),
        ("yu2019/transformer:multi30k_small", "jax", ""),  # not measured
    ],
)
def test_the_fastest_on_a_cpu(preset, chosen, words, capsys):
    assert choose_backend(settings(preset)) == chosen == os.environ["KERAS_BACKEND"]
    assert words in capsys.readouterr().out


@pytest.mark.parametrize("changes", [{"task": "language_modeling"}, {"model": 3}], ids=str)
def test_a_model_that_is_missing_or_wrong_is_left_to_the_check_of_the_config(changes):
    bad = settings("quickstart", **changes)
    assert choose_backend(bad) == "jax"


def test_what_comes_before_speed(monkeypatch, capsys):
    slow = settings("frankle2019/conv:2")
    assert choose_backend(slow, lambda: "jax") == "jax"  # the run that it resumes
    monkeypatch.setenv("KERAS_BACKEND", "")
    assert choose_backend(settings("frankle2019/conv:2", distribution="data_parallel")) == "jax"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert choose_backend(slow, lambda: "tensorflow") == "jax"
    assert choose_backend(settings("frankle2019/conv:2", backend="tensorflow")) == "tensorflow"
    monkeypatch.setenv("KERAS_BACKEND", "")
    monkeypatch.setattr(choose, "visible_gpus", lambda: ["0"])
    assert choose_backend(slow) == "jax"
    assert capsys.readouterr().out == ""


def test_a_backend_that_there_is_not_is_named(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "mxnet")
    with pytest.raises(LotteryError, match=r"KERAS_BACKEND to be one of tensorflow, .*'mxnet'"):
        choose_backend(settings("quickstart"))


def test_a_resumed_run_keeps_its_backend(tmp_path):
    overrides = {"out": str(tmp_path), "prune.rounds": 2}
    config = settings("quickstart", **overrides)
    assert commands._earlier_backend(config, "quickstart", overrides) == ""
    for backend in reversed(BACKENDS[1:]):
        begun = freeze(ConfigDict(config.to_dict() | {"backend": backend}))
        paths_of(begun).root.mkdir()
        paths_of(begun).config.write_text("{}")
        assert commands._earlier_backend(config, "quickstart", overrides) == backend


def test_the_speeds_that_ship_are_of_known_backends_and_kinds():
    shipped = json.loads(SHIPPED.read_text("utf-8"))["steps_per_second"]
    assert list(shipped) == list(MODEL_KINDS)
    assert all({"jax", "tensorflow"} <= of.keys() <= set(BACKENDS) for of in shipped.values())


def test_networks_of_a_known_kind():
    kinds = {name: task_schemas["vision"].kind(name) for name in ("lenet", "vgg19", "mine")}
    assert kinds == {"lenet": "dense", "vgg19": "convolutional", "mine": ""}
