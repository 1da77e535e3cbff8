"""Every token is in its stream and window, and is predicted once."""

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.language.modeling import windows

IDS = np.arange(100, 124)


def test_streams_go_on_from_batch_to_batch():
    x, y = windows.train_windows(IDS, streams=3, steps=3)
    # 23 predictions in 3 streams of 7: two windows of 3 each, the rest is left out.
    assert x["tokens"].tolist() == [
        [100, 101, 102], [107, 108, 109], [114, 115, 116],
        [103, 104, 105], [110, 111, 112], [117, 118, 119],
    ]  # fmt: skip
    assert (y == x["tokens"] + 1).all()
    assert x["stream"].tolist() == [0, 1, 2, 0, 1, 2]
    assert x["fresh"].tolist() == [1, 1, 1, 0, 0, 0]


@pytest.mark.parametrize("streams, steps", [(3, 3), (4, 5), (1, 24), (23, 1), (5, 100)])
def test_every_token_except_the_first_is_evaluated_once(streams, steps):
    x, y, weights = windows.test_windows(IDS, streams, steps)
    counted = weights > 0
    assert sorted(y[counted]) == list(range(101, 124))
    assert (y[counted] == x["tokens"][counted] + 1).all()
    # The mean that Keras takes, over all places, is that over the tokens.
    assert (weights * y).mean() == pytest.approx(np.arange(101, 124).mean())


def test_a_text_shorter_than_one_window_of_each_stream_is_an_error():
    with pytest.raises(LotteryError, match=r"more than 30 tokens.*Received: 24"):
        windows.train_windows(IDS, streams=3, steps=10)
