"""Tickets found in some experiments, trained in others (Morcos et al. 2019, arXiv 1906.02773).

Every variant of the config is an experiment with its own run folder, so that the search for its
tickets runs only once. The study's folder has the rows of each variant, as `<variant>.csv`.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from rich.console import Console

from keras_lottery import config as configs
from keras_lottery import engine
from keras_lottery.config import Config
from keras_lottery.engine.check_config import check_rewind
from keras_lottery.files import write_whole
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.studies.transfer.options import TransferConfig
from keras_lottery.tasks import make_task


def run(config: TransferConfig) -> Path:
    """Searches for tickets on the sources, then trains them on the targets; returns the run folder.

    Raises:
        LotteryError: a variant does not fit, or a source's tickets are for another network.
    """
    options = config.options
    experiments = {name: variant(config, name) for name in options.names}
    folders = {name: paths_of(experiment).root for name, experiment in experiments.items()}
    with engine.open_run(config) as (paths, _):
        for experiment in experiments.values():
            check_rewind(experiment, make_task(experiment))
        for name in options.of("sources"):  # all tickets must exist before a target needs one
            _say(f"{name}: searching for tickets")
            search = dataclasses.replace(experiments[name], arms=("winning",))
            _keep(paths, name, engine.run(search))
        for name in options.of("targets"):
            sources = {s: str(folders[s]) for s in options.of("sources") if s != name}
            _say(f"{name}: training controls, and tickets from {', '.join(sources)}")
            transfer = configs.TransferConfig(sources, options.arms)
            target = dataclasses.replace(experiments[name], transfer=transfer)
            _keep(paths, name, engine.run(target))
    return paths.root


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False)


def variant(config: TransferConfig, name: str) -> Config:
    """Returns the experiment of a variant."""
    options = config.options
    settings = _merged(configs.thaw(config), cast(Mapping[str, Any], options.variants[name]))
    changes = {"study": "tickets", "options": {}, "name": f"{config.name}-{name}", "claims": []}
    settings |= changes  # the claims are about this study's table
    return configs.freeze(settings, allow_unread=True)


def _merged(settings: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(settings)
    for key, value in changes.items():
        inner: Any = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(inner, Mapping)
        merged[key] = _merged(dict(inner), value) if both else value
    return merged


def _keep(paths: RunPaths, name: str, run: Path) -> None:
    rows = RunPaths(run).results.read_bytes()
    write_whole(paths.root / f"{name}.csv", lambda to: to.write_bytes(rows))
