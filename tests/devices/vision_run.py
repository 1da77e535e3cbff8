"""Trains a network on the digits for a few steps on several virtual CPU devices."""

import json

from tests.devices.virtual import DISTRIBUTION  # isort: skip, before the backend starts

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery.config import freeze, presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.tasks import make_task
from keras_lottery.types import Start, Training

SHORT = {
    "train.batch_size": 64,
    "train.length": "8it",
    "train.eval_every": 4,
    "distribution": DISTRIBUTION,
}


def main():
    task = make_task(freeze(presets.load("quickstart", SHORT)))
    training = Training("", task.name, 0, 0, "dense")
    dense = task.fit(training, Start(task.start_weights(0)), NoProgress())
    losses = [row["loss"] for row in dense.history]
    print(json.dumps({"losses": losses, "value": dense.final_value}))


main()
