"""The fastest installed backend for a kind of model on a CPU, as `benchmarks.backends` measured."""

import json
from collections.abc import Sequence
from pathlib import Path

SPEEDS = Path(__file__).with_name("backend_speeds.json")
_WORTH = 1.25
"""By how much a backend must be faster than the first, since TensorFlow takes longer to start."""


def fastest(kind: str, installed: Sequence[str]) -> tuple[str, str]:
    """Returns a backend and why it was chosen.

    Args:
        kind: kind of model, from `config.MODEL_KINDS`; empty: unknown.
        installed: the backends to choose from, in order of preference.
    """
    first = installed[0]
    speeds = json.loads(SPEEDS.read_text("utf-8"))["steps_per_second"].get(kind, {})
    measured = [backend for backend in installed if backend in speeds]
    best = max(measured, key=lambda backend: speeds[backend], default=first)
    if first not in measured or speeds[best] < _WORTH * speeds[first]:
        return first, ""
    times = speeds[best] / speeds[first]
    return best, f"backend {best}: {times:.1f} times as fast as {first} on {kind} networks on a CPU"
