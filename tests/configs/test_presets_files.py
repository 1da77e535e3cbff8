"""Every config file freezes, says where each field comes from, and is found by name or path."""

import re
from pathlib import Path

import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import presets
from keras_lottery.config import digest, flatten, freeze
from keras_lottery.errors import LotteryError

NAMES = presets.names()


def test_names():
    assert {"frankle2019/lenet_mnist", "morcos2019/vgg19_transfer", "quickstart"} <= set(NAMES)
    assert all(re.fullmatch(r"quickstart|[a-z]+\d{4}/[a-z0-9_]+", name) for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_fits_the_schema_under_its_own_name(name):
    config = freeze(presets.load(name).to_dict())
    assert config.name == Path(name).name
    assert freeze(presets.load(str(presets.find(name))).to_dict()) == config


@pytest.mark.parametrize("name", NAMES)
def test_every_field_has_its_source(name):
    text = presets.find(name).read_text()
    source = r"(?:ours|F&C|[A-Z][a-z]+(?: et al\.)?) ?(?:\d{4})?"
    sourced = set(re.findall(rf"^    config\.(\S+) = .*  # {source}", text, re.M))
    fields = set(flatten(presets.load(name).to_dict()))
    lacking = {f for f in fields if not any(f == s or f.startswith(f"{s}.") for s in sourced)}
    assert not lacking
    assert all(any(f == s or f.startswith(f"{s}.") for f in fields) for s in sourced)


def test_presets_are_different_experiments():
    assert len({digest(freeze(presets.load(name).to_dict())) for name in NAMES}) == len(NAMES)


def test_overrides_replace_fields_and_add_them():
    changed = presets.load(
        "quickstart", {"prune.rounds": 2, "prune.rates.output": 0.1, "rewind.schedule": "restart"}
    )
    config = freeze(changed.to_dict())
    assert config.prune.rounds == 2
    assert config.prune.rates == {"output": 0.1}
    assert config.rewind.schedule == "restart"
    assert freeze(presets.load("quickstart").to_dict()).prune.rounds == 8


def test_an_override_that_does_not_fit_is_named():
    with pytest.raises(LotteryError, match=r"prune\.rouns.*Did you mean 'prune\.rounds'"):
        freeze(presets.load("quickstart", {"prune.rouns": 2}).to_dict())
    with pytest.raises(LotteryError, match=r"'task\.name'.*field itself"):
        presets.load("quickstart", {"task.name": "x"})


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
