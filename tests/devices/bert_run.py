"""One round of a tiny BERT on several virtual CPU devices; prints the losses and the counts."""

import json
import tempfile
from pathlib import Path

from tests.devices.virtual import DISTRIBUTION  # isort: skip, before the backend starts

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import presets, pruning
from keras_lottery.config import freeze
from keras_lottery.engine.progress import NoProgress
from keras_lottery.tasks.nlp.bert.task import BertTask
from keras_lottery.types import Start, Training
from tests.tasks.nlp.bert import made


def main(folder):
    made.data(folder)
    fields = made.fields(folder, distribution=DISTRIBUTION, train__length="16it")
    config = freeze(presets.load("chen2020/bert:minilm_glue", fields))
    task = BertTask(config)
    start = task.start_weights(0)
    dense = task.fit(Training("", "bert", 0, 0, "dense"), Start(start), NoProgress())
    masks = pruning.prune_round(dense.weights, {}, task.variables(), config.prune, 1)
    ticket = Start(start, masks)
    winning = task.fit(Training("", "bert", 0, 1, "winning"), ticket, NoProgress())
    found = {
        "dense": [row["loss"] for row in dense.history],
        "winning": [row["loss"] for row in winning.history],
        "test": winning.metrics["test_loss"],
        "kept": sum(int(mask.sum()) for mask in masks.values()),
        "zero": all(not winning.weights[path][~mask].any() for path, mask in masks.items()),
    }
    print(json.dumps(found))


with tempfile.TemporaryDirectory() as temporary:
    main(Path(temporary))
