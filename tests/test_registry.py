"""Names are known, wrong ones are helped with."""

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.registry import Registry


def test_a_wrong_name_lists_near_and_known_ones():
    registry = Registry("fruit")
    registry.register("apple")(1)
    registry.register("pear")(2)
    with pytest.raises(LotteryError, match=r"Did you mean 'apple'.*Known: apple, pear"):
        registry["aple"]
    assert list(registry) == ["apple", "pear"]


def test_a_name_is_taken_once():
    registry = Registry("fruit")
    registry.register("apple")(1)
    with pytest.raises(LotteryError, match="taken"):
        registry.register("apple")(2)


def test_a_lazy_entry_is_imported_on_first_use():
    registry = Registry("function")
    registry.register_lazily("join", "os.path:join")
    assert registry["join"]("a", "b") == "a/b"
