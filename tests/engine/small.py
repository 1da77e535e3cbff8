"""A real experiment that takes seconds: digits, a small LeNet, two rounds."""

import dataclasses

from keras_lottery import config as configs
from keras_lottery.config import presets
from keras_lottery.tasks import task_schemas

FIELDS = {
    "seeds": [0],
    "train.length": "40it",
    "train.eval_every": 20,
    "rewind.to": "10it",
    "prune.rounds": 2,
    "prune.rate": 0.5,
    "model.hidden": (20, 10),
    "arms": ["winning", "reinit"],
}


def settings(out, **fields):
    """Returns overrides for the quickstart config; `__` stands for a dot."""
    given = {name.replace("__", "."): value for name, value in fields.items()}
    return FIELDS | {"out": str(out)} | given


def config(out, **fields):
    """Returns the small experiment's config."""
    import keras

    loaded = presets.load("quickstart", settings(out, **fields))
    loaded["backend"] = keras.config.backend()
    assert "vision" in task_schemas
    return configs.freeze(loaded)


def odd_config(folder, **fields):
    """Returns the config of trainings by `executors/odd_task.py`, which marks files in a folder."""
    loaded = config("out", threads=1, **fields)
    data = dataclasses.replace(loaded.data, dir=str(folder))
    return dataclasses.replace(loaded, task="odd", data=data)
