"""Studies: the search for tickets, and experiments with their own training loop.

Importing this registers the studies, without Keras. A study is a folder: `options.py` (the config's
`options`), `run.py` (`run(config)`), `rows.py` (its own tables, if any), `page.py` (`PAGE`) and
`plots.py`. The page needs only the run folder, and no Keras.
"""

from importlib import import_module
from pathlib import Path

import keras_lottery.tasks as _tasks  # noqa: F401  registers the tasks
from keras_lottery.config import Config, NoSettings, StudySchema, study_schemas
from keras_lottery.studies.equilibrium.options import EquilibriumOptions
from keras_lottery.studies.instability.options import InstabilityOptions
from keras_lottery.studies.strong_tickets.options import StrongTicketsOptions
from keras_lottery.studies.supermasks.options import SupermasksOptions
from keras_lottery.studies.transfer.options import TransferOptions

__all__ = ["run", "study_schemas"]

_SEARCH = ("arms", "draws", "keep_trained", "rewind", "transfer")
_INSTABILITY = ("arms", "draws", "keep_trained", "rewind.to", "transfer")
_SWEPT = ("prune.criterion", "prune.rounds", "prune.arm_rounds")
_EPOCHS = tuple(
    f"train.{name}"
    for name in ("eval_every", "evaluate_start", "value", "jit", "average", "average_every")
)


def _register(
    name: str, options: type, says: str, ignores: tuple[str, ...] = (), executes: bool = True
) -> None:
    folder = f"{__name__}.{name}"
    run, page = f"{folder}.run:run", f"{folder}.page:PAGE"
    study_schemas.add(name, StudySchema(options, run, ignores, False, page, executes), says)


study_schemas.add(
    "tickets",
    StudySchema(NoSettings, "keras_lottery.engine.experiment:run"),
    "The search for tickets: train, prune, rewind, round after round, with controls.",
)
_register(
    "equilibrium",
    EquilibriumOptions,
    "Freezes neurons at equilibrium.",
    (*_SEARCH, "prune", *_EPOCHS),
    executes=False,
)
_register(
    "instability",
    InstabilityOptions,
    "Linear mode connectivity of copies trained on other data orders.",
    _INSTABILITY,
)
_register(
    "strong_tickets",
    StrongTicketsOptions,
    "Finds a trained network inside random ones, by pruning.",
    (*_SEARCH, "prune"),
)
_register(
    "supermasks",
    SupermasksOptions,
    "Heuristic masks over untrained weights, level by level.",
    (*_SEARCH, *_SWEPT),
)
_register("transfer", TransferOptions, "Trains tickets of other experiments.", ("transfer",))


def run(config: Config) -> Path:
    """Runs or resumes a config's study, and returns its run folder.

    Raises:
        LotteryError: the config does not fit together, or its folder cannot be used.
    """
    from keras_lottery.engine.executors.choice import check_study

    check_study(config)
    module, _, function = study_schemas[config.study].run.partition(":")
    return Path(getattr(import_module(module), function)(config))
