"""What is done with a task: the search for tickets, and experiments with a loop of their own.

Importing this registers the studies, without Keras. A study is a dataclass of options, a module
that runs it, and a page in `keras_lottery.report.pages` under the same name.
"""

from dataclasses import fields
from importlib import import_module
from pathlib import Path

import keras_lottery.tasks as _tasks  # noqa: F401  registers the tasks
from keras_lottery.config import Config, PruneConfig, StudySchema, study_schemas
from keras_lottery.studies.equilibrium.options import EquilibriumOptions
from keras_lottery.studies.instability_options import InstabilityOptions
from keras_lottery.studies.strong_tickets.options import StrongTicketsOptions
from keras_lottery.studies.supermasks_options import SupermasksOptions
from keras_lottery.studies.transfer_options import TransferOptions

__all__ = ["run", "study_schemas"]

_SEARCH = ("arms", "draws", "keep_trained", "rewind", "transfer")
_PRUNE = tuple(f"prune.{f.name}" for f in fields(PruneConfig) if f.name != "rounds")

study_schemas.register("equilibrium")(
    StudySchema(
        EquilibriumOptions,
        "keras_lottery.studies.equilibrium.run:run",
        (*_SEARCH, *_PRUNE),
        exports=False,
    )
)
study_schemas.register("strong_tickets")(
    StudySchema(
        StrongTicketsOptions, "keras_lottery.studies.strong_tickets.run:run", (*_SEARCH, *_PRUNE)
    )
)
study_schemas.register("transfer")(
    StudySchema(TransferOptions, "keras_lottery.studies.transfer:run", ("transfer",), exports=False)
)
study_schemas.register("supermasks")(
    StudySchema(
        SupermasksOptions,
        "keras_lottery.studies.supermasks:run",
        (*_SEARCH, "prune.criterion"),
        exports=False,
    )
)
study_schemas.register("instability")(
    StudySchema(
        InstabilityOptions,
        "keras_lottery.studies.instability:run",
        ("arms", "draws", "keep_trained", "rewind.to", "transfer"),
        exports=False,
    )
)


def run(config: Config) -> Path:
    """Runs the study that a config names, or goes on with it, and returns its folder.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.
    """
    module, _, function = study_schemas[config.study].run.partition(":")
    return Path(getattr(import_module(module), function)(config))
