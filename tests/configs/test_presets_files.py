"""Every config file freezes, cites the source of each field, and is found by name or path."""

import re
from pathlib import Path

import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from benchmarks.preset_sources import sources
from keras_lottery.config import digest, flatten, freeze, presets
from keras_lottery.errors import LotteryError

NAMES = presets.names()


def test_names():
    assert {"frankle2019/lenet_mnist", "morcos2019/vgg19_transfer", "quickstart"} <= set(NAMES)
    form = r"quickstart|channels|[a-z]+\d{4}/[a-z0-9_]+(:[a-z0-9_]+)?"
    assert all(re.fullmatch(form, name) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_fits_the_schema_by_name_and_by_path(name):
    config = freeze(presets.load(name).to_dict())
    argument = presets.split(name)[1]
    path = f"{presets.find(name)}:{argument}" if argument else str(presets.find(name))
    assert freeze(presets.load(path).to_dict()) == config


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_its_source(name):
    sourced = sources(name)
    wording = r"(?:ours|F&C|[A-Z][a-z]+(?: et al\.)?)(?: \d{4})?(?=[:,; ]|$)"
    assert all(re.match(wording, source) for source in sourced.values())
    fields = set(flatten(presets.load(name).to_dict())) - {"claims"}
    assert not {f for f in fields if not any(f == s or f.startswith(f"{s}.") for s in sourced)}


def test_a_variant_overrides_the_source_of_the_base():
    base, variant = sources("frankle2019/deep:resnet20"), sources("frankle2019/deep:resnet20_lowlr")
    assert base["optimizer.learning_rate"] == "F&C 2019, figure 2"
    assert variant["optimizer.learning_rate"] == "F&C 2019: has tickets at step 0"
    assert (
        "optimizer.warmup" in sources("frankle2019/deep:vgg19") and "optimizer.warmup" not in base
    )
    assert "prune.rate" not in sources("chen2020/bert:minilm_glue")  # which deletes it
    assert "model.hidden" not in sources("frankle2019/conv:6")  # which sets another model
    assert sources("morcos2019/resnet50_transfer")["prune.rounds"] == "Morcos 2019"


def test_presets_are_different_experiments_in_separate_folders():
    configs = [freeze(presets.load(name).to_dict()) for name in NAMES]
    assert len({digest(config) for config in configs}) == len(NAMES)
    assert len({config.name for config in configs}) == len(NAMES)


def test_every_preset_is_described():
    assert presets.descriptions()["frankle2019/conv:6"] == "Conv-6 on CIFAR-10"
    assert presets.descriptions()["quickstart"].startswith("A small experiment")
    assert all(len(line) <= 120 and line for line in presets.descriptions().values())


@pytest.mark.parametrize("family", [f for f in presets.families() if f not in NAMES])
def test_a_family_without_an_argument_is_its_default_variant(family):
    default = presets.module(family).DEFAULT
    assert freeze(presets.load(family)) == freeze(presets.load(f"{family}:{default}"))


@pytest.mark.parametrize(
    "text, parts",
    [
        ("quickstart", ("quickstart", "")),
        ("a/b:c", ("a/b", "c")),
        ("a/b:c,d", ("a/b", "c,d")),
        ("dir/mine.py", ("dir/mine.py", "")),
        ("dir/mine.py:6", ("dir/mine.py", "6")),
        (r"C:\mine.py", (r"C:\mine.py", "")),
        (r"C:\mine.py:6", (r"C:\mine.py", "6")),
    ],
)
def test_an_argument_stands_behind_a_colon(text, parts):
    assert presets.split(text) == parts


def test_one_pair_of_a_transfer():
    options = presets.load("morcos2019/vgg19_transfer:svhn,cifar10").options
    assert (options.sources, options.targets) == (("svhn",), ("cifar10",))
    with pytest.raises(LotteryError, match="Did you mean 'svhn'"):
        presets.load("morcos2019/resnet50_transfer:svnh,cifar10")
    with pytest.raises(LotteryError, match=r"a source and a target\. Received: 'svhn'"):
        presets.load("morcos2019/vgg19_transfer:svhn")


def test_an_argument_of_a_users_file(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(
        "from ml_collections import ConfigDict\n"
        "def get_config(argument='small'):\n    return ConfigDict({'name': argument})\n"
    )
    assert presets.load(str(path)).name == "small"
    assert presets.load(f"{path}:large", {"seeds": (1,)}).to_dict() == {
        "name": "large",
        "seeds": (1,),
    }


@pytest.mark.parametrize(
    "name, words",
    [
        ("yu2019/atari:breakotu", r"variant of yu2019/atari.*Did you mean 'breakout'"),
        ("frankle2019/convs:6", "Did you mean 'frankle2019/conv:6'"),
        ("yu2019/atary", "Did you mean 'yu2019/atari'"),
        ("quickstart:large", "'quickstart', a config without variants"),
    ],
)
def test_an_unknown_argument_lists_near_ones(name, words):
    with pytest.raises(LotteryError, match=words):
        presets.load(name)


def test_overrides_replace_fields_and_add_them():
    changed = presets.load(
        "quickstart", {"prune.rounds": 2, "prune.rates.output": 0.1, "rewind.mode": "fine_tune"}
    )
    config = freeze(changed.to_dict())
    assert config.prune.rounds == 2
    assert config.prune.rates == {"output": 0.1}
    assert config.rewind.mode == "fine_tune"
    assert freeze(presets.load("quickstart").to_dict()).prune.rounds == 8


@pytest.mark.parametrize(
    ("name", "overrides", "left_out"),
    [
        ("natale2024/strong_tickets_digits", {"model.name": "conv2"}, ["model.hidden"]),
        ("frankle2019/conv:2", {"prune.schedule": "linear", "prune.rounds": 3}, []),
        ("yu2019/control:cartpole_small", {"model.algorithm": "ppo", "optimizer.schedule":
         "constant"}, ["model.dqn.n_step", "train.batch_size"]),
        ("frankle2019/deep:resnet20", {"optimizer.schedule": "constant"},
         ["optimizer.boundaries"]),
        ("yu2019/transformer:multi30k_small", {"prune.schedule": "geometric"}, ["prune.levels"]),
        ("ramanujan2020/edge_popup:lenet", {"arms": ("winning",)},
         ["edge_popup.optimizer.weight_decay"]),
        ("bragagnolo2022/equilibrium", {"study": "tickets", "arms": ("winning",)}, []),
        ("yu2019/transformer:multi30k_small", {"backend": "jax"}, ["train.jit"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_an_override_leaves_without_effect_in_a_file_is_left_out(name, overrides, left_out):
    settings, dropped = presets.settled(presets.load(name, overrides), name, overrides)
    assert set(left_out) <= set(dropped) and bool(dropped) == bool(left_out)
    freeze(settings)
    assert not dropped or "Leave it out" in _refused(presets.load(name, overrides))


def test_what_the_user_set_without_effect_is_refused_all_the_same(tmp_path):
    overrides = {"model.name": "conv2", "model.hidden": (5,), "data.path": "x"}
    settings, dropped = presets.settled(presets.load("quickstart", overrides), "quickstart",
                                        overrides)  # fmt: skip
    assert dropped == []
    assert all(f"{name}: has no effect" in _refused(settings)
               for name in ("model.hidden", "data.path"))  # fmt: skip
    file = tmp_path / "mine.py"  # what a file alone sets without effect, its author set
    file.write_text(
        "from keras_lottery.config import presets\n"
        "def get_config():\n    return presets.load('quickstart', {'data.path': 'x'})"
    )
    settings, dropped = presets.settled(presets.load(str(file)), str(file), {"seeds": (1,)})
    assert dropped == [] and "data.path: has no effect" in _refused(settings)


def _refused(settings):
    with pytest.raises(LotteryError) as caught:
        freeze(settings)
    return str(caught.value)


def test_an_override_that_does_not_fit_is_named():
    with pytest.raises(LotteryError, match=r"prune\.rouns.*Did you mean 'prune\.rounds'"):
        freeze(presets.load("quickstart", {"prune.rouns": 2}).to_dict())
    with pytest.raises(LotteryError, match=r"'task\.name'.*field itself"):
        presets.load("quickstart", {"task.name": "x"})


def test_a_required_field_of_a_file_takes_its_value_from_an_override(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from keras_lottery.config import presets\n"
        "from ml_collections.config_dict import required_placeholder\n"
        "def get_config():\n"
        "    settings = presets.load('quickstart')\n"
        "    settings.prune.rounds = required_placeholder(int)\n"
        "    del settings.task\n"
        "    settings.task = required_placeholder(str)\n"
        "    return settings"
    )
    overrides = {"prune.rounds": 3, "task": "vision"}
    config = presets.frozen(str(file), overrides)
    assert config.prune.rounds == 3
    # The model of the file stays: no task of the file was replaced.
    assert config.model == freeze(presets.load("quickstart")).model
    with pytest.raises(LotteryError, match=r"a value for prune\.rounds, which .*mine\.py requires"):
        presets.load(str(file), {"task": "vision"})
    with pytest.raises(LotteryError, match=r"a value for prune\.rounds, task"):
        presets.load(str(file))


def test_an_unknown_name_lists_near_names():
    with pytest.raises(LotteryError, match="Did you mean 'frankle2019/lenet_mnist'"):
        presets.find("frankle2019/lenet_minst")
    with pytest.raises(LotteryError, match="not there"):
        presets.find("nowhere/config.py")


@pytest.mark.parametrize(
    "text, words",
    [
        ("def get_config(:", "SyntaxError"),
        ("x = 1", r"get_config\(\)"),
        ("def get_config():\n    return 1 / 0", "ZeroDivisionError"),
        ("def get_config():\n    return {}", "ConfigDict.*Received: dict"),
    ],
)
def test_a_file_that_does_not_run_is_one_line(tmp_path: Path, text, words):
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(LotteryError, match=words) as error:
        presets.load(str(path))
    assert "\n" not in str(error.value)


def test_a_wrong_name_lists_each_near_one_once():
    with pytest.raises(LotteryError, match="Did you mean 'quickstart'") as caught:
        presets.load("quickstrat")
    assert "'quickstart' or 'quickstart'" not in str(caught.value)
