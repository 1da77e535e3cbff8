"""Runs the scripts that train on virtual devices, and parses their output."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import pytest

NAMES = {"tensorflow": "mirrored", "jax": "data_parallel"}

only_with_devices = pytest.mark.skipif(
    keras.config.backend() == "torch", reason="no distribution on torch"
)


@cache
def on_one(script, *options):
    """What a script of this folder prints on one device."""
    return outcome(script, "none", 1, *options)


@cache
def on_several(script, devices=2, *options):
    """What it prints on several, under the distribution of the backend in use."""
    return outcome(script, NAMES[keras.config.backend()], devices, *options)


def outcome(script, distribution, devices, *options):
    """What it prints, and under `stderr` what it says."""
    command = [sys.executable, "-m", f"tests.devices.{script}"]
    command += [keras.config.backend(), distribution, str(devices), *options]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1]) | {"stderr": done.stderr}
