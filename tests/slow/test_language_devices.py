"""One round of BERT, or of a translator, gives the same on two devices as on one."""

import numpy as np
import pytest

from tests.devices.scripts import on_one, on_several, only_with_devices

pytest.importorskip("keras_hub")
pytestmark = [pytest.mark.backend, only_with_devices]


@pytest.mark.parametrize("script", ["bert_run", "translator_run"])
def test_two_devices_match_one(script):
    one, two = on_one(script), on_several(script)
    for name in ("dense", "winning", "test"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert two["kept"] == one["kept"] and two["zero"]
    assert ("said" in one) == (script == "translator_run")
    assert two.get("said") == one.get("said")
