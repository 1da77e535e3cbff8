"""Streams that are shared out between devices carry the states that they carry on one."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

NAMES = {"tensorflow": "mirrored", "jax": "data_parallel"}

pytestmark = [
    pytest.mark.backend,
    pytest.mark.skipif(keras.config.backend() == "torch", reason="no distribution on torch"),
]


@cache
def outcome(name, devices):
    command = [sys.executable, str(Path(__file__).with_name("language_run.py"))]
    command += [keras.config.backend(), name, str(devices)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def test_a_round_of_the_small_preset_on_two_devices_matches_one():
    one, two = outcome("none", 1), outcome(NAMES[keras.config.backend()], 2)
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert all(one["carried"]) and len(one["carried"]) == 4
    for name in ("dense", "winning", "validation", "test", "carried"):
        np.testing.assert_allclose(two[name], one[name], rtol=1e-4)
    assert two["kept"] == one["kept"]
    assert two["traces"] == one["traces"]
