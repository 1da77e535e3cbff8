"""Settings that have no effect because of another section."""

from collections.abc import Iterable, Mapping
from typing import Any

from keras_lottery.config.duration import Duration

_FROM_THE_START = ("optimizer", "schedule", "data_order", "seeds", "batch_norm")


def ineffective(config: Any) -> dict[str, str]:
    """Returns reasons by field or section, independent of their values.

    Settings that depend on the arms are not included: arms can be added to a run later.

    Args:
        config: a `Config`, which is above this module.
    """
    fields = without_xla(config.backend)
    if not any(Duration.parse(point).count for point in _rewind_points(config)):
        reason = "at rewind.to='0it', where training starts: restored and fresh state are equal"
        fields |= {f"rewind.{name}": reason for name in _FROM_THE_START}
    return fields


def without_xla(backend: str) -> dict[str, str]:
    """Returns the fields without effect on a backend, with reasons; `auto` means any backend."""
    reasons = {
        "jax": "on JAX, which always compiles with XLA",
        "torch": "on torch, which has no XLA",
    }
    return {"train.jit": reasons[backend]} if backend in reasons else {}


def _rewind_points(config: Any) -> Iterable[str]:
    """Returns all points that the config or its study's options rewind to."""
    options = config.options
    variants = getattr(options, "variants", {}).values()
    sections = [v.get("rewind") for v in variants if isinstance(v, Mapping)]
    points = [str(s["to"]) for s in sections if isinstance(s, Mapping) and "to" in s]
    return [*getattr(options, "points", ()), *points, config.rewind.to]
