"""A config is validated as a whole, and its hash covers what changes a result."""

from dataclasses import dataclass

import pytest

from keras_lottery import config as configs
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from tests import fresh


@dataclass(frozen=True)
class _Data:
    name: str = "made"
    dir: str = ""


@dataclass(frozen=True)
class _Model:
    width: int = 3


if "made" not in configs.task_schemas:
    configs.task_schemas.register("made")(configs.TaskSchema(_Data, _Model, "nowhere:nothing"))


def make(**fields):
    return configs.freeze({"name": "a", "task": "made", **fields})


def test_thaw_and_freeze_are_inverse():
    config = make(seeds=[3, 1], prune={"rates": {"output": 0.1}}, arms=["winning", "reinit"])
    assert config.seeds == (3, 1)
    assert configs.freeze(configs.thaw(config)) == config


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "b"},
        {"seeds": (7,)},
        {"prune": {"rounds": 3}},
        {"arms": ("reinit",)},
        {"draws": 3, "arms": ("reinit",)},
        {"out": "elsewhere"},
        {"executor": "other"},
        {"data": {"dir": "/data"}},
        {"report": {"sparse": 0.2}},
        {"prune": {"arm_rounds": {"reinit": (2,)}}},
    ],
)
def test_what_only_extends_a_run_keeps_its_hash(fields):
    assert configs.digest(make(**fields)) == configs.digest(make())
    assert configs.differences(make(**fields), make()) == []


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"prune": {"rate": 0.3}}, "prune.rate"),
        ({"train": {"length": "5ep"}}, "train.length"),
        ({"backend": "jax"}, "backend"),
        ({"distribution": "mirrored"}, "distribution"),
        ({"data": {"name": "other"}}, "data.name"),
        ({"prune": {"rates": {"output": 0.1}}}, "prune.rates.output"),
    ],
)
def test_what_changes_a_result_changes_the_hash(fields, name):
    assert configs.digest(make(**fields)) != configs.digest(make())
    assert name in configs.differences(make(**fields), make())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"seedz": 1}, "seeds"),
        ({"prune": {"rates": {"conv": 1.0}}}, "prune.rates.conv"),
        ({"prune": {"rate": 1.0}}, "prune.rate"),
        ({"prune": {"rate": 0}}, "prune.rate"),
        ({"prune": {"rounds": "many"}}, "prune.rounds: expected int"),
        ({"prune": {"rounds": True}}, "prune.rounds: expected int"),
        ({"prune": {"schedule": "linear", "rate": 0.5, "rounds": 2}}, "rounds × rate"),
        ({"train": {"length": "5 epochs"}}, "train.length"),
        ({"train": {"batch_size": 0}}, "batch_size"),
        ({"rewind": {"mode": "wights"}}, "rewind.mode"),
        ({"seeds": (1, 1)}, "seeds"),
        ({"backend": "theano"}, "backend"),
        ({"data": 3}, "data: expected a section"),
        ({"model": {"width": float("inf")}}, "model.width"),
        ({"task": "vison"}, "made"),
        ({"optimizer": {"learning_rate": -1.0}}, "learning_rate"),
        ({"supermask": {"samples": 0}}, "supermask.samples: expected at least 1. Received: 0"),
        ({"supermask": {"length": "5"}}, "supermask.length"),
        ({"edge_popup": {"batch_size": 0}}, "edge_popup.batch_size"),
        ({"edge_popup": {"eval_every": -1}}, "edge_popup.eval_every"),
        ({"edge_popup": {"optimizer": {"learning_rate": 0}}}, "edge_popup.optimizer.learning"),
    ],
)
def test_a_bad_field_is_named(fields, message):
    with pytest.raises(LotteryError, match=message.replace("(", r"\(")):
        make(**fields)


def test_a_section_of_a_section_keeps_its_own_defaults():
    optimizer = make(
        arms=("supermask",), supermask={"optimizer": {"learning_rate": 50}}
    ).supermask.optimizer
    assert (optimizer.name, optimizer.learning_rate, optimizer.momentum) == ("sgd", 50.0, 0.9)
    assert (
        make(arms=("edge_popup",), edge_popup={"scale": True}).edge_popup.optimizer.schedule
        == "cosine"
    )


def test_all_problems_of_a_section_are_in_one_error():
    with pytest.raises(LotteryError) as error:
        make(prune={"rate": 2.0, "schedule": "cubic"}, rewind={"to": "soon"})
    for word in ("prune.rate", "prune.schedule", "rewind.to"):
        assert word in str(error.value)


def test_rounds_of_an_arm_begin_at_one():
    with pytest.raises(LotteryError, match=r"arm_rounds\.reinit: expected at least 1"):
        make(prune={"arm_rounds": {"reinit": (0, 2)}})


def test_a_truth_value_from_a_command_line_becomes_a_word_where_one_is_asked_for():
    assert make(train={"jit": False}).train.jit == "false"
    assert make(train={"jit": "auto"}).train.jit == "auto"


def test_text_from_a_command_line_becomes_a_tuple():
    assert make(arms="winning,reinit").arms == ("winning", "reinit")
    assert make(seeds=4).seeds == (4,)


@pytest.mark.parametrize(("text", "steps"), [("500it", 500), ("2ep", 20), ("0it", 0)])
def test_durations(text, steps):
    assert Duration.parse(text).steps(steps_per_epoch=10) == steps
    assert str(Duration.parse(text)) == text


@pytest.mark.parametrize("text", ["5", "ep", "-1it", "1.5ep", "", "1it2ep"])
def test_a_duration_has_a_unit(text):
    with pytest.raises(LotteryError, match="500it"):
        Duration.parse(text)


def test_a_config_may_be_the_first_thing_that_a_program_loads():
    code = "from keras_lottery.config import presets; print(presets.frozen('quickstart', {}).task)"
    done = fresh.run("-c", code)
    assert done.stdout.strip() == "vision", done.stderr[-1000:]
