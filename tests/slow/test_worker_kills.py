"""Workers are killed at random moments, fifty times, and nothing is lost."""

import random
import threading
import time
from multiprocessing import active_children

import numpy as np

from keras_lottery import engine
from keras_lottery.engine.executors import parallel
from keras_lottery.engine.executors.pool import pool
from keras_lottery.records import read_results
from keras_lottery.records.run_paths import RunPaths
from tests.engine.small import config

KILLS = 50


def kill_workers(rng, killed, finished):
    """Kills one worker after the other, each somewhere in its life."""
    while len(killed) < KILLS and not finished.is_set():
        time.sleep(rng.uniform(0.5, 12.0))
        if workers := active_children():
            victim = rng.choice(workers)
            victim.kill()
            killed.append(victim.pid)


def results(folder):
    """Returns the rows of a run without times."""
    rows = read_results(RunPaths(folder).results)
    return {row.training: (row.value, row.final_value, row.kept, row.status) for row in rows}


def test_nothing_is_lost(tmp_path, monkeypatch):
    monkeypatch.setattr(parallel, "ATTEMPTS", KILLS + 1)
    fields = {"seeds": list(range(8)), "threads": 1, "arms": ["winning", "reinit", "one_shot"]}
    plain = results(engine.run(config(tmp_path / "a", executor="processes", workers=2, **fields)))
    killed, finished = [], threading.Event()
    killer = threading.Thread(target=kill_workers, args=(random.Random(0), killed, finished))
    killer.start()
    folders = []
    while len(killed) < KILLS:  # start a new run whenever one has finished
        out = tmp_path / f"b{len(folders)}"
        settings = config(out, executor="processes", workers=2, **fields)
        folders.append(engine.run(settings))
    finished.set()
    killer.join()
    pool.close()
    assert all(results(folder) == plain for folder in folders)
    assert np.unique(killed).size == KILLS
