"""Every preset of translation: its weights, two steps, a prune, a rewind, and two more.

They are run in tests/slow.
"""

import numpy as np

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery.config import freeze, presets
from keras_lottery.engine.progress import NoProgress
from keras_lottery.pruning import prune_round
from keras_lottery.tasks.language.translation.pairs import Corpus, Pairs
from keras_lottery.tasks.language.translation.subwords import END
from keras_lottery.tasks.language.translation.task import TranslationTask
from keras_lottery.types import Start, Training

# Name, total weights and prunable weights: biases are pruned too (Yu et al. 2019).
WEIGHTS = [
    ("yu2019/transformer:multi30k_small", 1_174_528, 1_171_968),
    ("yu2019/transformer:multi30k_layers_long", 1_174_528, 659_968),
    ("yu2019/transformer:base", 60_915_712, 60_915_712),
    ("yu2019/transformer:big", 209_911_808, 209_911_808),
]


class Numbers:
    """Stands in for a vocabulary, which a few made sentences could not fill: words are numbers."""

    def __init__(self, size: int) -> None:
        self.size = size

    def encode(self, sentences: list[str]) -> list[np.ndarray]:
        return [np.array([*map(int, s.split()), END], np.int32) for s in sentences]

    def decode(self, ids: np.ndarray) -> list[str]:
        return [" ".join(map(str, row)) for row in ids]


def train_prune_rewind_train(name, total, prunable):
    few = {"train.length": "2it", "train.eval_every": 1, "rewind.to": "1it", "train.jit": "false"}
    few |= {"train.batch_size": 16, "train.average": 0, "data.lengths": (8,)}
    few |= {"model.beam": 1, "model.extra": 1, "optimizer.warmup": "0it"}
    config = freeze(presets.load(name, few).to_dict(), allow_unread=True)
    part = Pairs(["5 6 7", "8 9", "10 11 12 13", "5 5"], ["6 5", "9 9 9", "7", "8 10"])
    task = TranslationTask(config, Corpus(part, part.first(2), part.first(2)))
    task.__dict__["subwords"] = Numbers(config.data.vocabulary)
    variables = task.variables()
    assert sum(v.size for v in variables) == total
    assert sum(v.size for v in variables if v.prunable) == prunable

    start = Start(task.start_weights(0))
    first = task.fit(Training("", "translation", 0, 0, "dense"), start, NoProgress())
    masks = prune_round(first.weights, {}, variables, config.prune, 1, seed=0)
    kept = sum(np.count_nonzero(m) for m in masks.values())
    first_level = config.prune.levels[0] if config.prune.levels else config.prune.rate
    assert kept == prunable - int(first_level * prunable)

    state = first.rewind
    early = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    rewound = Start(early, masks, step=1, learning_rate_step=1, data_order_step=1)
    second = task.fit(Training("", "translation", 0, 1, "winning"), rewound, NoProgress())
    assert second.steps == 1 and np.isfinite(second.history[-1]["loss"])
    for path, mask in masks.items():
        assert not second.weights[path][~mask].any()
