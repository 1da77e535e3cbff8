"""Which settings of a config have no effect because of what is in another section."""

from collections.abc import Iterable, Mapping
from typing import Any

from keras_lottery.config.duration import Duration

_FROM_THE_START = ("optimizer", "schedule", "data_order", "seeds", "batch_norm")


def ineffective(config: Any) -> dict[str, str]:
    """Returns reasons by field or section, whatever values they have.

    What depends on which arms are trained is not among them: arms can be added to a run later.

    Args:
        config: a `Config`, which is above this module.
    """
    fields = without_xla(config.backend)
    if not any(Duration.parse(point).count for point in _rewind_points(config)):
        why = "at rewind.to='0it', where training starts: restored and fresh state are equal"
        fields |= {f"rewind.{name}": why for name in _FROM_THE_START}
    return fields


def without_xla(backend: str) -> dict[str, str]:
    """Returns what has no effect on a backend; `auto` stands for any."""
    why = {"jax": "on JAX, which always compiles with XLA", "torch": "on torch, which has no XLA"}
    return {"train.jit": why[backend]} if backend in why else {}


def _rewind_points(config: Any) -> Iterable[str]:
    """Returns the points that a study rewinds to, those of its own among them."""
    options = config.options
    variants = getattr(options, "variants", {}).values()
    sections = [v.get("rewind") for v in variants if isinstance(v, Mapping)]
    points = [str(s["to"]) for s in sections if isinstance(s, Mapping) and "to" in s]
    return [*getattr(options, "points", ()), *points, config.rewind.to]
