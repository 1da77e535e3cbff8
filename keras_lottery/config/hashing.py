"""The hash of an experiment: everything that changes the result of a training."""

import hashlib
import json

from keras_lottery.config.experiment import Config
from keras_lottery.config.validation import default_of, flatten, is_within, thaw

# Fields that may change between calls of `run` without changing the result of any training.
_NOT_HASHED = (
    "name", "seeds", "prune.rounds", "prune.arm_rounds", "arms", "draws", "keep_trained", "out",
    "executor", "workers", "threads", "ray", "resources", "tpu", "data.dir", "data.download",
    "transfer.sources", "transfer.arms", "report", "claims",
)  # fmt: skip


def digest(config: Config) -> str:
    """Returns 8 hex digits of the hash of everything that changes a training's result.

    Fields at their defaults are left out, so that a field added later changes no hash.
    """
    defaults = flatten(thaw(default_of(config)))
    flat = {
        k: v
        for k, v in flatten(thaw(config)).items()
        if _is_hashed(k) and (k not in defaults or defaults[k] != v)
    }
    return hashlib.sha256(json.dumps(flat, sort_keys=True).encode()).hexdigest()[:8]


def differences(left: Config, right: Config) -> list[str]:
    """Returns the hashed fields in which two configs differ."""
    a, b = flatten(thaw(left)), flatten(thaw(right))
    return sorted(k for k in a.keys() | b.keys() if a.get(k) != b.get(k) and _is_hashed(k))


def _is_hashed(name: str) -> bool:
    """Returns False for fields that only extend a run, and for locations."""
    return not is_within(name, _NOT_HASHED)
