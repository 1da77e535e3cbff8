"""Which rate holds for which variable."""

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.pruning.pools import make_pools
from keras_lottery.types import VariableInfo

INFOS = [
    VariableInfo("layers/conv/kernel", (2, 2), group="conv"),
    VariableInfo("layers/dense/kernel", (4, 4)),
    VariableInfo("layers/head/kernel", (4, 2), output=True),
    VariableInfo("layers/norm/gamma", (4,), prunable=False, reason="norms are off"),
]


def rates(given):
    pools = make_pools(INFOS, 0.2, given)
    return {path: pool.rate for pool in pools for path in pool.paths}


def test_without_rates_there_is_one_pool():
    (pool,) = make_pools(INFOS, 0.2)
    assert pool.size == 28
    assert "layers/norm/gamma" not in pool.paths


def test_a_pattern_goes_before_output_and_that_before_the_group():
    given = {"dense": 0.3, "output": 0.1}
    assert rates(given) == {
        "layers/conv/kernel": 0.2,
        "layers/dense/kernel": 0.3,
        "layers/head/kernel": 0.1,
    }
    assert rates({**given, "*/head/*": 0.4})["layers/head/kernel"] == 0.4
    assert rates({"*/kernel": 0.5, "*/head/kernel": 0.6})["layers/head/kernel"] == 0.6


def test_a_pattern_that_matches_nothing_is_an_error():
    with pytest.raises(LotteryError, match="'cnov', which matches no variable"):
        rates({"cnov": 0.1})
    rates({"recurrent": 0.1})  # a group may be absent


def test_nothing_prunable_is_an_error_with_the_reason():
    with pytest.raises(LotteryError, match="norms are off"):
        make_pools(INFOS[3:], 0.2)


def test_a_path_twice_is_an_error():
    with pytest.raises(LotteryError, match="layers/conv/kernel"):
        make_pools([INFOS[0], INFOS[0]], 0.2)
