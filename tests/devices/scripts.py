"""Runs the scripts that train on virtual devices, and parses their output."""

import json
from functools import cache
from pathlib import Path

import keras
import pytest

from tests import fresh

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
    command = [f"tests.devices.{script}", keras.config.backend(), distribution, devices, *options]
    done = fresh.run("-m", *command, cwd=Path(__file__).parents[2])
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1]) | {"stderr": done.stderr}
