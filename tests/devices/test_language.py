"""Streams that are shared out between devices carry the states that they carry on one."""

import numpy as np
import pytest

from tests.devices.scripts import on_one, on_several, only_with_devices

pytestmark = [pytest.mark.backend, only_with_devices]


def test_a_round_of_the_small_preset_on_two_devices_matches_one():
    one, two = on_one("language_run"), on_several("language_run")
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert all(one["carried"]) and len(one["carried"]) == 4
    for name in ("dense", "winning", "validation", "test", "carried"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert two["kept"] == one["kept"]
    assert two["traces"] == one["traces"]
