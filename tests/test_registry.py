"""Names are known, wrong ones are helped with."""

import pytest

from keras_lottery import pruning, user_modules
from keras_lottery.errors import LotteryError
from keras_lottery.registry import Registry


def test_a_wrong_name_lists_near_and_known_ones():
    registry = Registry("fruit")
    registry.add("apple", 1)
    registry.add("pear", 2)
    with pytest.raises(LotteryError, match=r"Did you mean 'apple'.*Known: apple, pear"):
        registry["aple"]
    assert list(registry) == ["apple", "pear"]


def test_a_name_is_taken_once():
    registry = Registry("fruit")
    registry.add("apple", 1)
    with pytest.raises(LotteryError, match=f"'apple' from {__name__}.* taken by {__name__}"):
        registry.add("apple", 2)
    with pytest.raises(
        LotteryError, match=r"'magnitude'.* taken by keras_lottery\.pruning\.criteri"
    ):
        pruning.criterion("magnitude", needs=())(len)


def test_a_lazy_entry_is_imported_on_first_use():
    registry = Registry("function")
    registry.register_lazily("join", "os.path:join")
    assert registry["join"]("a", "b") == "a/b"


def test_a_lazy_entry_of_somebody_elses_that_is_not_there_is_one_line():
    registry = Registry("function")
    registry.register_lazily("gone", "os.path:gone")
    with pytest.raises(LotteryError, match=f"'os.path:gone', as {__name__} registers it"):
        registry["gone"]


def test_built_in_names_are_told_from_added_ones():
    registry = Registry("fruit")
    registry.add("apple", 1)
    added = registry.added()
    assert list(added) == ["apple"] and added["apple"].module == __name__
    assert added["apple"].file == __file__
    assert not pruning.criteria.added()


def test_plugins_are_looked_for_where_a_name_is_not_known(monkeypatch):
    registry, looked = Registry("fruit"), []
    registry.add("apple", 1)

    def load():
        looked.append(1)
        registry._entries.setdefault("plum", 3)

    monkeypatch.setattr(user_modules, "load_installed", load)
    assert registry["apple"] == 1 and "apple" in registry and not looked
    assert not registry.registered("plum") and not looked
    assert registry["plum"] == 3 and list(registry) == ["apple", "plum"]


def test_an_entry_is_described_by_what_its_registration_says_or_its_docstring():
    registry = Registry("function")
    registry.register_lazily("join", "os.path:join", "Joins paths.")

    @registry.register("documented")
    def documented():
        """Does a thing.

        And more.
        """

    said = {name: registry.describe(name) for name in ("join", "documented")}
    assert said == {"join": "Joins paths.", "documented": "Does a thing."}
