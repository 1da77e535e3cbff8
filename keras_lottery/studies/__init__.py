"""What is done with a task: the search for tickets, and experiments with a loop of their own.

Importing this registers the studies, without Keras. A study is a dataclass of options, a module
that runs it, and a page in `keras_lottery.report.pages` under the same name.
"""

from importlib import import_module
from pathlib import Path

import keras_lottery.tasks as _tasks  # noqa: F401  registers the tasks
from keras_lottery.config import Config, StudySchema, study_schemas
from keras_lottery.studies.equilibrium.options import EquilibriumOptions
from keras_lottery.studies.instability_options import InstabilityOptions
from keras_lottery.studies.strong_tickets.options import StrongTicketsOptions
from keras_lottery.studies.supermasks_options import SupermasksOptions
from keras_lottery.studies.transfer_options import TransferOptions

__all__ = ["run", "study_schemas"]

study_schemas.register("equilibrium")(
    StudySchema(EquilibriumOptions, "keras_lottery.studies.equilibrium.run:run", exports=False)
)
study_schemas.register("strong_tickets")(
    StudySchema(StrongTicketsOptions, "keras_lottery.studies.strong_tickets.run:run")
)
study_schemas.register("transfer")(
    StudySchema(options=TransferOptions, run="keras_lottery.studies.transfer:run", exports=False)
)
study_schemas.register("supermasks")(
    StudySchema(
        options=SupermasksOptions, run="keras_lottery.studies.supermasks:run", exports=False
    )
)
study_schemas.register("instability")(
    StudySchema(
        options=InstabilityOptions, run="keras_lottery.studies.instability:run", exports=False
    )
)


def run(config: Config) -> Path:
    """Runs the study that a config names, or goes on with it, and returns its folder.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.
    """
    module, _, function = study_schemas[config.study].run.partition(":")
    return Path(getattr(import_module(module), function)(config))
