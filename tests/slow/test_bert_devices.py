"""One round of BERT on two devices gives what one device gives."""

import numpy as np
import pytest

from tests.devices.scripts import on_one, on_several, only_with_devices

pytest.importorskip("keras_hub")
pytestmark = [pytest.mark.backend, only_with_devices]


def test_two_devices_match_one():
    one, two = on_one("bert_run"), on_several("bert_run")
    for name in ("dense", "winning", "test"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert two["kept"] == one["kept"] and two["zero"]
