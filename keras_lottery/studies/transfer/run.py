"""Tickets found in some experiments, trained in others (Morcos et al. 2019, arXiv 1906.02773).

Every variant of the config is an experiment with a run folder of its own, so that the search for
its tickets is done once, whatever takes them. The study's folder holds each target's rows, as
`<variant>.csv`, and those of variants that are sources alone.
"""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from keras_lottery import config as configs
from keras_lottery import engine
from keras_lottery.config import Config
from keras_lottery.files import write_whole
from keras_lottery.records.run_paths import RunPaths, paths_of
from keras_lottery.studies.transfer.options import TransferOptions


def run(config: Config) -> Path:
    """Searches the sources' tickets, then trains them on the targets; returns the run folder.

    Raises:
        LotteryError: a variant does not fit, or a source's tickets are of another network.
    """
    options: TransferOptions = config.options
    found = {name: variant(config, name) for name in options.names}
    folders = {name: paths_of(one).root for name, one in found.items()}
    with engine.open_run(config) as (paths, _):
        for one in found.values():
            engine.check_rewind(one, engine.make_task(one))
        for name in options.of("sources"):  # all tickets are there before a target asks for one
            _say(f"{name}: the search for its tickets")
            _keep(paths, name, engine.run(dataclasses.replace(found[name], arms=("winning",))))
        for name in options.of("targets"):
            sources = {s: str(folders[s]) for s in options.of("sources") if s != name}
            _say(f"{name}: its controls, and tickets from {', '.join(sources)}")
            transfer = configs.TransferConfig(sources, options.arms)
            _keep(paths, name, engine.run(dataclasses.replace(found[name], transfer=transfer)))
    return paths.root


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False)


def variant(config: Config, name: str) -> Config:
    """Returns the experiment of a variant."""
    options: TransferOptions = config.options
    settings = _merged(configs.thaw(config), options.variants[name])
    settings |= {"study": "tickets", "options": {}, "name": f"{config.name}-{name}"}
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
