"""The config of an experiment: sections, constraints on fields, the hash, presets."""

from keras_lottery.config.experiment import (
    BACKENDS,
    DISTRIBUTIONS,
    Config,
    NoOptions,
    StudySchema,
    TaskSchema,
    complete_options,
    flatten,
    freeze,
    json_values,
    misses_arms,
    study_schemas,
    task_schemas,
    thaw,
    unread_fields,
)
from keras_lottery.config.hashing import differences, digest
from keras_lottery.config.sections import (
    OptimizerConfig,
    PruneConfig,
    ReportConfig,
    RewindConfig,
    TrainConfig,
    TransferConfig,
)

__all__ = [
    "BACKENDS",
    "DISTRIBUTIONS",
    "Config",
    "NoOptions",
    "OptimizerConfig",
    "PruneConfig",
    "ReportConfig",
    "RewindConfig",
    "StudySchema",
    "TaskSchema",
    "TrainConfig",
    "TransferConfig",
    "complete_options",
    "differences",
    "digest",
    "flatten",
    "freeze",
    "json_values",
    "misses_arms",
    "study_schemas",
    "task_schemas",
    "thaw",
    "unread_fields",
]
