"""One round of a small translator on several virtual CPU devices; prints losses and counts."""

import json

from tests.devices.virtual import DISTRIBUTION  # isort: skip, before the backend starts

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import pruning
from keras_lottery.config import freeze, presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.tasks.language.translation.task import TranslationTask
from keras_lottery.types import Start, Training
from tests.tasks.language import made_translation as made

FIELDS = {
    "distribution": DISTRIBUTION,
    "data.vocabulary": 40,
    "data.lengths": (8, 16),
    "model.layers": 1,
    "model.width": 16,
    "model.hidden": 32,
    "model.heads": 2,
    "model.dropout": 0.0,
    "model.beam": 2,
    "model.extra": 2,
    "optimizer.warmup": "2it",
    "train.length": "8it",
    "train.batch_size": 128,
    "train.eval_every": 4,
    "train.average_every": "2it",
    "rewind.to": "2it",
}


def main() -> None:
    config = freeze(presets.load("yu2019/transformer:multi30k_small", FIELDS))
    task = TranslationTask(config, made.corpus())
    start = task.start_weights(0)
    dense = task.fit(Training("", "translation", 0, 0, "dense"), Start(start), NoProgress())
    masks = pruning.prune_round(dense.weights, {}, task.variables(), config.prune, 1)
    key = Training("", "translation", 0, 1, "winning")
    winning = task.fit(key, Start(start, masks), NoProgress())
    found = {
        "dense": [row["loss"] for row in dense.history],
        "winning": [row["loss"] for row in winning.history],
        "test": winning.metrics["test_loss"],
        "kept": sum(int(mask.sum()) for mask in masks.values()),
        "zero": all(not winning.weights[path][~mask].any() for path, mask in masks.items()),
        "said": [row["answer"] for row in dense.samples],
    }
    print(json.dumps(found))


main()
