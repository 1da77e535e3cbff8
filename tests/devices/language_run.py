"""Trains a language model for one round on several virtual CPU devices; prints the results."""

import json
from types import SimpleNamespace

from tests.devices.virtual import DISTRIBUTION  # isort: skip, before the backend starts

import numpy as np

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery.arms import starts
from keras_lottery.config import freeze, presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.pruning import prune_round
from keras_lottery.tasks.language.modeling.corpus import Corpus
from keras_lottery.tasks.language.modeling.task import LanguageModelingTask
from keras_lottery.types import Start, Training

WORDS = 11
SMALL = {
    "model.units": 8,
    "model.embedding": 8,
    "model.dropout": 0.0,  # each replica draws its own
    "data.steps": 5,
    "data.train_tokens": 0,
    "train.batch_size": 4,
    "train.length": "4ep",
    "train.eval_every": 4,
    "rewind.to": "9it",
    "distribution": DISTRIBUTION,
}


def corpus():
    rng = np.random.default_rng(0)
    ids = (np.cumsum(rng.integers(1, 3, 400)) % WORDS).astype(np.int32)
    return Corpus(ids[:150], ids[150:250], ids[250:], tuple(map(str, range(WORDS))))


def main():
    task = LanguageModelingTask(freeze(presets.load("yu2019/lstm:ptb_small", SMALL)), corpus())
    rng = np.random.default_rng(1)
    start = {
        path: (0.3 * rng.normal(size=value.shape)).astype("float32")
        for path, value in sorted(task.start_weights(0).items())
    }
    dense = task.fit(Training("", task.name, 0, 0, "dense"), Start(start), NoProgress())
    masks = prune_round(dense.weights, {}, task.variables(), task.config.prune, 1, seed=0)
    state = dense.rewind
    winner = Training("", task.name, 0, 1, "winning")
    rewound = starts.from_state(winner, SimpleNamespace(config=task.config), masks, state)
    winning = task.fit(winner, rewound, NoProgress())
    carried = [v for name, v in sorted(state.items()) if name.startswith("carried/")]
    found = {
        "replicas": task._replicas,
        "dense": [row["loss"] for row in dense.history],
        "winning": [row["loss"] for row in winning.history],
        "validation": [row["val_loss"] for row in winning.history],
        "test": winning.final_value,
        "carried": [float(np.abs(v).sum()) for v in carried],
        "kept": [int(m.sum()) for _, m in sorted(masks.items())],
        "traces": task._trainer("zero").program.traces,
    }
    print(json.dumps(found))


main()
