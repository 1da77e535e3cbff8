"""The config of an experiment: sections, constraints on fields, the hash, presets."""

from keras_lottery.config.build import Section
from keras_lottery.config.experiment import (
    BACKENDS,
    DISTRIBUTIONS,
    MODEL_KINDS,
    Config,
    NoSettings,
    StudySchema,
    TaskSchema,
    study_schemas,
    task_schemas,
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
from keras_lottery.config.validation import (
    complete_options,
    flatten,
    freeze,
    json_values,
    misses_arms,
    thaw,
    unread_fields,
)

__all__ = [
    "BACKENDS",
    "DISTRIBUTIONS",
    "MODEL_KINDS",
    "Config",
    "NoSettings",
    "OptimizerConfig",
    "PruneConfig",
    "ReportConfig",
    "RewindConfig",
    "Section",
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
