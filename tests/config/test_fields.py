"""Constraints that fields declare, and that every field declares one."""

import dataclasses
import inspect
import typing

import keras
import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import config as configs
from keras_lottery.config import fields, presets
from keras_lottery.config.build import build
from keras_lottery.config.sections import OPTIMIZERS, PruneConfig
from keras_lottery.errors import LotteryError

FREE_TEXT = {
    *("task", "study", "tpu", "data", "model", "options"),  # looked up, or sections of their own
    *("dir", "path", "train", "validation", "test"),  # of the disk
    *("variants", "sources", "targets"),  # names of the user's own, checked among each other
}
CHECKED_TOGETHER = {"levels", "lengths", "densities", "channels"}


def sections():
    """Returns every dataclass of settings: those of all configs, tasks and studies."""
    found = [configs.Config]
    found += [s for t in configs.task_schemas for s in _of(configs.task_schemas[t])]
    found += [configs.study_schemas[s].options for s in configs.study_schemas]
    for section in found:
        for hint in typing.get_type_hints(section).values():
            if dataclasses.is_dataclass(hint) and hint not in found:
                found.append(hint)
    return [s for s in found if not s.__module__.startswith("tests.")]


def _of(schema):
    return schema.data, schema.model


def leaves(hint):
    """Yields the plain types in a hint, each with whether a constraint is declared for it."""
    constrained = any(not isinstance(c, fields.ReadWhen) for c in getattr(hint, "__metadata__", ()))
    if hasattr(hint, "__metadata__"):
        inner = typing.get_args(hint)[0]
        for kind, deeper in leaves(inner):
            yield kind, deeper or (constrained and not typing.get_args(inner))
    elif typing.get_args(hint):
        arguments = typing.get_args(hint)
        arguments = arguments[1:] if typing.get_origin(hint) is dict else arguments
        for argument in arguments:
            yield from leaves(argument)
    else:
        yield hint, False


@pytest.mark.parametrize("section", sections(), ids=lambda s: s.__name__)
def test_every_number_has_a_range_and_every_name_is_checked(section):
    hints = typing.get_type_hints(section, include_extras=True)
    open_fields = {
        name
        for name, hint in hints.items()
        for kind, constrained in leaves(hint)
        if kind in (int, float, str) and not constrained
    }
    assert open_fields <= FREE_TEXT | CHECKED_TOGETHER


@pytest.mark.parametrize(
    ("constraint", "good", "bad"),
    [
        (fields.Range(least=0, most=1), (0, 0.5, 1), (-0.1, 1.1)),
        (fields.Range(above=0, below=1), (0.5,), (0, 1)),
        (fields.OneOf(("a", "b")), ("a",), ("c", "")),
        (fields.Known("thing", {"first": 1}), ("first",), ("fist", "")),
        (fields.Known("arm", "keras_lottery.arms:arms"), ("winning",), ("wining",)),
        (fields.Length(least=1), ("1it", "2ep"), ("0it", "0ep", "1", "")),
        (fields.Slug(), ("a-1_b.c",), ("", ".", "..", "a/b", "a b", "é")),
        (fields.Filled(), ("a", (1,)), ("", ())),
        (fields.Distinct(least=1), ((1, 2),), ((), (1, 1))),
    ],
)
def test_constraints(constraint, good, bad):
    assert [constraint.problem(value) for value in good] == [""] * len(good)
    assert all("xpected" in constraint.problem(value) for value in bad)


def test_a_wrong_name_lists_near_ones():
    assert "'winning'" in fields.Known("arm", "keras_lottery.arms:arms").problem("wining")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, "0.5", None, True, [1]])
def test_a_number_is_finite(value):
    problems = []
    build(PruneConfig, {"rate": value}, "prune", problems)
    assert problems[0].startswith("prune.rate: expected float. Received: ")


def test_numpy_numbers_become_plain_ones():
    problems = []
    built = build(PruneConfig, {"rate": np.float32(0.3), "rounds": np.int64(4)}, "", problems)
    assert problems == [] and (built.rate, built.rounds) == (0.3, 4)
    assert type(built.rate) is float and type(built.rounds) is int


def make(**settings):
    return configs.freeze({"name": "a", "task": "vision", **settings})


UNREAD = [
    ({"data": {"path": "own.npz"}}, "data.path"),
    ({"data": {"dir": "/data"}}, "data.dir"),
    ({"data": {"name": "folder", "path": "x", "download": True}}, "data.download"),
    ({"optimizer": {"boundaries": ("1ep",)}}, "optimizer.boundaries"),
    ({"optimizer": {"factor": 0.5}}, "optimizer.factor"),
    ({"optimizer": {"name": "sgd", "beta_1": 0.5}}, "optimizer.beta_1"),
    ({"optimizer": {"momentum": 0.5}}, "optimizer.momentum"),
    ({"train": {"average_every": "2ep"}}, "train.average_every"),
    ({"transfer": {"arms": ("reinit",)}}, "transfer.arms"),
    ({"supermask": {"samples": 3}}, "supermask.samples"),
    ({"edge_popup": {"scale": True}}, "edge_popup.scale"),
    ({"draws": 2}, "draws"),
    ({"tpu": "here"}, "tpu"),
    ({"prune": {"levels": 0.5, "rate": 0.3}}, "prune.rate"),
    ({"model": {"name": "vgg16", "hidden": (5,)}}, "model.hidden"),
    ({"model": {"batch_norm_synchronized": True}}, "model.batch_norm_synchronized"),
    ({"study": "strong_tickets", "arms": ("reinit",)}, "arms"),
    ({"study": "equilibrium", "prune": {"scope": "layer"}}, "prune.scope"),
    ({"study": "instability", "rewind": {"to": "5it"}}, "rewind.to"),
    ({"task": "bert", "data": {"stride": 64}}, "data.stride"),
    ({"task": "rl", "data": {"sticky_actions": 0.1}}, "data.sticky_actions"),
    ({"task": "rl", "model": {"algorithm": "dqn", "ppo": {"clip": 0.1}}}, "model.ppo.clip"),
    ({"backend": "jax", "train": {"jit": "false"}}, "train.jit"),
    ({"backend": "torch", "train": {"jit": "true"}}, "train.jit"),
    ({"rewind": {"optimizer": "reset"}}, "rewind.optimizer"),
    ({"rewind": {"to": "0ep", "schedule": "restart"}}, "rewind.schedule"),
    ({"rewind": {"data_order": "restart"}}, "rewind.data_order"),
    ({"rewind": {"seeds": "reset"}}, "rewind.seeds"),
    ({"rewind": {"batch_norm": "reset", "mode": "fine_tune"}}, "rewind.batch_norm"),
    ({"optimizer": {"name": "sgd", "nesterov": True}}, "optimizer.nesterov"),
    ({"train": {"average": 1, "average_every": "2ep"}}, "train.average_every"),
    ({"prune": {"schedule": "geometric", "levels": (0.5,)}}, "prune.levels"),
    ({"prune": {"levels": (0.5,), "rates": {"dense": 0.1}}}, "prune.rates"),
    ({"model": {"dropout": 0.5}}, "model.dropout"),
    ({"data": {"validation_size": 0, "split_seed": 3}}, "data.split_seed"),
    ({"study": "equilibrium", "prune": {"rounds": 3}}, "prune.rounds"),
    ({"study": "equilibrium", "train": {"eval_every": 5}}, "train.eval_every"),
    ({"study": "equilibrium", "train": {"value": "best"}}, "train.value"),
    ({"study": "supermasks", "prune": {"rounds": 3}}, "prune.rounds"),
    ({"study": "instability", "rewind": {"seeds": "reset"}}, "rewind.seeds"),
    ({"task": "bert", "data": {"split_seed": 3}}, "data.split_seed"),
    ({"task": "rl", "data": {"eval_games": 0, "eval_seed": 3}}, "data.eval_seed"),
    ({"task": "rl", "model": {"algorithm": "ppo"}, "train": {"batch_size": 7}}, "train.batch_size"),
    ({"task": "rl", "train": {"evaluate_start": True}}, "train.evaluate_start"),
    ({"task": "rl", "train": {"average": 3}}, "train.average"),
    ({"task": "rl", "model": {"dqn": {"rewind_replay": "keep"}}}, "model.dqn.rewind_replay"),
    ({"task": "translation", "model": {"beam": 1, "length_penalty": 1.0}}, "model.length_penalty"),
    ({"task": "translation", "train": {"drop_remainder": False}}, "train.drop_remainder"),
    (
        {"task": "language_modeling", "data": {"train": "a", "test": "b"},
         "model": {"layers": 1, "dropout": 0.2}},
        "model.dropout",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "name"), UNREAD, ids=lambda value: str(value)[:60])
def test_a_setting_without_effect_is_refused(settings, name):
    with pytest.raises(
        LotteryError, match=rf": {name}: has no effect (while|unless|in|on|at|under) "
    ):
        make(**settings)
    recorded = {"name": "a", "task": "vision", **settings}
    assert configs.freeze(recorded, allow_unread=True).name == "a"  # a run folder of before loads


@pytest.mark.parametrize(
    "settings",
    [
        {"data": {"name": "arrays", "path": "own.npz", "dir": "/data"}},
        {"optimizer": {"schedule": "piecewise", "boundaries": ("1ep",), "factor": 0.5}},
        {"arms": ("edge_popup",), "edge_popup": {"scale": True}},
        {"arms": ("winning", "edge_popup"), "rewind": {"to": "5it"}},
        {"arms": ("reinit",), "draws": 2},
        {"study": "strong_tickets", "arms": ()},
        {"backend": "tensorflow", "train": {"jit": "false"}},
        {"train": {"jit": "false"}},  # the backend is chosen later
        {
            "rewind": {
                "to": "1it",
                "optimizer": "reset",
                "schedule": "restart",
                "seeds": "reset",
                "data_order": "restart",
                "batch_norm": "reset",
            }
        },
        {"rewind": {"mode": "fine_tune"}},
        {
            "study": "instability",
            "options": {"points": ("0it", "5it")},
            "rewind": {"optimizer": "reset"},
        },
        {"optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": True}},
        {"data": {"validation_size": 0, "train_size": 100, "split_seed": 3}},
        {"task": "bert", "data": {"name": "mlm", "split_seed": 3}},
        {"task": "rl", "train": {"batch_size": 7}},
        {"task": "rl", "model": {"dqn": {"rewind_replay": "keep"}}, "rewind": {"to": "1ep"}},
        {"model": {"name": "conv2", "dropout": 0.5}},
    ],
    ids=str,
)
def test_a_setting_that_is_read_is_accepted(settings):
    make(**settings)


def test_levels_alone_set_schedule_and_rounds():
    prune = make(prune={"levels": (0.5, 0.7)}).prune
    assert (prune.schedule, prune.rounds) == ("levels", 2)
    prune = configs.freeze(presets.load("quickstart", {"prune.levels": 0.6})).prune
    assert (prune.levels, prune.schedule, prune.rounds) == ((0.6,), "levels", 1)
    fewer = {"prune.levels": (0.5, 0.6), "prune.rounds": 1}
    assert configs.freeze(presets.load("quickstart", fewer)).prune.rounds == 1


def test_one_shot_alone_sets_its_round():
    assert make(prune={"schedule": "one_shot"}).prune.rounds == 1
    loaded = presets.load("quickstart", {"prune.schedule": "one_shot"})
    assert configs.freeze(loaded).prune.rounds == 1


def test_a_point_past_the_training_is_no_rewind_point():
    with pytest.raises(LotteryError, match=r"rewind\.to: expected a point before the end"):
        make(train={"length": "5it"}, rewind={"to": "5it"})


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_take_the_fields_that_the_table_says(name):
    taken = inspect.signature(type(keras.optimizers.get(name))).parameters
    some = ("momentum", "nesterov", "beta_1", "beta_2", "epsilon", "rho")
    assert {f for f in some if f in taken} == set(OPTIMIZERS[name])
