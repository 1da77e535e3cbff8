"""Entropies and ratios that can be worked out in the head."""

import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.studies.strong_tickets import bounds


def test_entropy_and_ratio():
    assert bounds.binary_entropy(0.5) == 1
    assert bounds.binary_entropy(0.25) == pytest.approx(2 - 0.75 * 1.584962500721156)
    assert bounds.ratio(20, 10, 10 / 1024) == pytest.approx(2)  # 20 · 1 / log2(1024)
    assert bounds.error_at(20, 10, 2.0) == pytest.approx(10 / 1024)
    assert bounds.lower_bound(8, 16, 0.5, 1 / 32) == pytest.approx(8 / 2 * 9)
    # 2ℓ·d·d′·γ·n/ε = 2·2·4·2·0.5·4/0.25 = 256
    assert bounds.network_scale(2, 4, 2, 0.5, 4, 0.25) == pytest.approx(64)


@pytest.mark.parametrize("density", [0.0, 1.0, -0.5, 2])
def test_a_density_of_0_or_1_is_an_error(density):
    with pytest.raises(LotteryError, match="above 0 and below 1"):
        bounds.binary_entropy(density)
