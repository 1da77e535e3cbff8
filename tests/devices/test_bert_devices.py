"""One round of BERT on two devices gives what one device gives."""

import json
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

pytest.importorskip("keras_hub")
pytestmark = [
    pytest.mark.backend,
    pytest.mark.skipif(keras.config.backend() == "torch", reason="no distribution on torch"),
]

NAMES = {"tensorflow": "mirrored", "jax": "data_parallel"}


def outcome(name, devices):
    command = [sys.executable, "-m", "tests.devices.small_bert"]
    command += [keras.config.backend(), name, str(devices)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_two_devices_match_one():
    one, two = outcome("none", 1), outcome(NAMES[keras.config.backend()], 2)
    for name in ("dense", "winning", "test"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert two["kept"] == one["kept"] and two["zero"]
