"""The config of an experiment: sections, what their fields may be, the hash, presets."""

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
    study_schemas,
    task_schemas,
    thaw,
)
from keras_lottery.config.hashing import (
    RESULTS_VERSION,
    differences,
    digest,
)
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
    "RESULTS_VERSION",
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
    "study_schemas",
    "task_schemas",
    "thaw",
]
