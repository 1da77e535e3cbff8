"""Every public name, flag and config field is in the reference, with its meaning."""

import inspect
import re
from types import ModuleType

import keras
import pytest

import keras_lottery
from keras_lottery.cli.commands import COMMANDS

pytest.importorskip("griffe")

from website import api, commands, sections

OF_KERAS = "those of `keras.Model.fit`"


def documented():
    """Yields each public class and function, with the members of public modules."""
    for name in keras_lottery.__all__:
        entry = getattr(keras_lottery, name)
        members = entry.__all__ if isinstance(entry, ModuleType) else ()
        yield from ((f"{name}.{member}", getattr(entry, member)) for member in members)
        if not members:
            yield name, entry


def test_every_public_name_has_one_page():
    grouped = [name for names in api.GROUPS.values() for name in names]
    assert sorted(grouped) == sorted(keras_lottery.__all__)
    for name in grouped:
        text = api.PAGES[api.uri(name)]()
        entry = getattr(keras_lottery, name)
        members = entry.__all__ if isinstance(entry, ModuleType) else [name]
        assert text.count("::: keras_lottery.") >= len(members), name


@pytest.mark.parametrize(("name", "entry"), documented())
def test_every_argument_of_a_public_name_is_documented(name, entry):
    assert api.first_sentence(entry).endswith("."), name
    if inspect.isclass(entry) and issubclass(entry, Exception):
        return
    text = "\n".join(inspect.getdoc(part) or "" for part in (entry, *getattr(entry, "__mro__", ())))
    known = inspect.signature(keras.Model.fit).parameters if OF_KERAS in text else ()
    missing = [
        parameter
        for parameter in inspect.signature(entry).parameters
        if parameter not in known
        and not re.search(rf"^\s+\*{{0,2}}{parameter}: ", text, re.MULTILINE)
    ]
    assert missing == []


def test_every_command_and_flag_is_listed():
    text = commands.page()
    for name, command in COMMANDS.items():
        assert f"## {name}\n\n{command.summary}" in text
    assert "| `--sparsities` | `0.5,0.8,0.9` | Sparsities to try per layer, in (0, 1). |" in text
    assert "&lt;run folder&gt;" in text  # not an HTML tag


def test_every_config_field_is_described():
    text = sections.general() + sections.of_tasks()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(rows) > 100
    assert [row for row in rows if row.endswith("|  |")] == []
    assert "| `prune.rate` | `0.2` | number; > 0, < 1; read unless `schedule` is `levels` |" in text
    assert "| `supermask.optimizer` | `name=sgd`, `learning_rate=100.0`, `momentum=0.9` |" in text
