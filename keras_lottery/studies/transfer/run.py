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
from keras_lottery.engine.check_config import check, check_task
from keras_lottery.files import write_whole
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.studies.transfer.options import TransferConfig
from keras_lottery.tasks import make_task


def run(config: TransferConfig) -> Path:
    """Searches for tickets on the sources, then trains them on the targets; returns the run folder.

    Raises:
        LotteryError: a variant does not fit, or a source's tickets are for another network.
    """
    searches = {name: search(config, name) for name in config.options.of("sources")}
    targets = {name: target(config, name) for name in config.options.of("targets")}
    with engine.open_run(config) as (paths, _):
        for experiment in (*searches.values(), *targets.values()):
            check(experiment)
            check_task(experiment, make_task(experiment))
        for name, experiment in searches.items():  # a target needs the tickets of all sources
            _say(f"{name}: searching for tickets")
            _keep(paths, name, engine.run(experiment))
        for name, experiment in targets.items():
            sources = ", ".join(experiment.transfer.sources)
            _say(f"{name}: training controls, and tickets from {sources}")
            _keep(paths, name, engine.run(experiment))
    return paths.root


def search(config: TransferConfig, name: str) -> Config:
    """Returns the experiment that finds the tickets of a source."""
    return dataclasses.replace(variant(config, name), arms=("winning",))


def target(config: TransferConfig, name: str) -> Config:
    """Returns the experiment that trains a target's controls, and the tickets of all sources."""
    others = (source for source in config.options.of("sources") if source != name)
    sources = {source: str(paths_of(variant(config, source)).root) for source in others}
    transfer = configs.TransferConfig(sources, config.options.arms)
    return dataclasses.replace(variant(config, name), transfer=transfer)


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
