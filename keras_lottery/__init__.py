"""Find, study and ship sparse trainable networks (lottery tickets) in Keras 3.

Example:
    >>> import keras_lottery as kl
    >>> model = kl.mask(model)
    >>> kl.prune(model, sparsity=0.9)
    >>> plain = kl.strip(model)
"""

from importlib import import_module
from typing import Any

from keras_lottery import keras_classes as _keras_classes
from keras_lottery import quiet as _quiet

__version__ = "0.1.0"

# Module of each public name; imported on first access.
_HOMES = {
    "Masked": "toolkit",
    "mask": "toolkit",
    "prune": "toolkit",
    "prune_calibrated": "toolkit",
    "WandaConfig": "toolkit",
    "SparseGPTConfig": "toolkit",
    "get_masks": "toolkit",
    "set_masks": "toolkit",
    "register_prunable": "toolkit",
    "strip": "toolkit",
    "sensitivity": "toolkit",
    "summary": "toolkit",
    "compact": "toolkit",
    "compaction_report": "toolkit",
    "reestimate_batch_norm": "toolkit",
    "register_compaction_rule": "toolkit",
    "callbacks": "toolkit.callbacks",
    "fit": "training",
    "TicketSearch": "search",
    "Ticket": "toolkit",
    "export": "exporters",
    "report": "report",
    "LotteryError": "errors",
}

__all__ = sorted(_HOMES)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_HOMES[name]}")
    is_module = name in ("callbacks", "report")
    value = globals()[name] = module if is_module else getattr(module, name)
    return value


def __dir__() -> list[str]:
    return list(__all__)


_quiet.announce()
_keras_classes.announce()
