"""Every preset is built on synthetic data, trained 2 steps, pruned, rewound and trained again."""

from typing import Any

import numpy as np
import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from benchmarks import language
from keras_lottery.config import Config, freeze, presets
from keras_lottery.pruning import prune_round
from keras_lottery.tasks.vision.images import Images, Split
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.types import Start, Training
from tests.configs.test_rl_presets import WEIGHTS as RL_WEIGHTS
from tests.configs.translation_presets import WEIGHTS as TRANSLATION_WEIGHTS

SHAPES = {
    "digits": (8, 8, 1),
    "mnist": (28, 28, 1),
    "cifar10": (32, 32, 3),
    "cifar10a": (32, 32, 3),
}

EVERY_BACKEND = (
    "quickstart",
    "frankle2019/lenet_mnist",
    "yu2019/lstm:ptb_small",
)  # deeper ones: tests/slow

# Name, total weights and prunable weights; digits are 8 × 8, MNIST 28 × 28, CIFAR-10 32 × 32 × 3.
WEIGHTS = [
    ("quickstart", 50_610, 50_200),
    ("frankle2019/lenet_mnist", 266_610, 266_200),
    ("frankle2019/conv:2", 4_301_642, 4_300_992),
    ("frankle2019/conv:4", 2_425_930, 2_425_024),
    ("frankle2019/conv:6", 2_262_602, 2_261_184),
    ("frankle2019/deep:resnet20", 272_474, 267_696),
    ("frankle2019/deep:resnet20_lowlr", 272_474, 267_696),
    ("frankle2019/deep:resnet20_warmup", 272_474, 267_696),
    ("frankle2019/deep:vgg19", 20_035_018, 20_018_880),
    ("morcos2019/lenet_transfer", 266_610, 265_200),
    ("morcos2019/small_cnn_transfer", 24_346, 23_472),
    ("morcos2019/vgg19_transfer", 20_035_018, 20_018_880),
    ("morcos2019/resnet50_transfer", 23_555_082, 23_454_912),
    ("zhou2019/deconstructing:conv2", 4_301_642, 4_300_992),
    ("zhou2019/deconstructing:conv4", 2_425_930, 2_425_024),
    ("zhou2019/deconstructing:conv6", 2_262_602, 2_261_184),
    ("channels", 24_058, 24_048),
    ("bragagnolo2022/equilibrium:resnet32_cifar10", 466_906, 464_432),
    ("bragagnolo2022/equilibrium:small_cnn_digits", 24_058, 23_824),
    ("natale2024/strong_tickets_digits", 1_210, 1_184),
    ("zhou2019/deconstructing:lenet", 266_610, 266_200),
    ("zhou2019/supermasks:learned", 266_610, 266_200),
    ("zhou2019/supermasks:lenet", 266_610, 266_200),
    ("zhou2019/supermasks:conv2", 4_301_642, 4_300_992),
    ("zhou2019/supermasks:conv6", 2_262_602, 2_261_184),
    ("ramanujan2020/edge_popup:lenet", 266_610, 266_200),
    ("ramanujan2020/edge_popup:conv2", 4_301_642, 4_300_992),
    ("ramanujan2020/edge_popup:conv4", 2_425_930, 2_425_024),
    ("frankle2021/prune_at_init_lenet_mnist", 266_610, 266_200),
    ("frankle2020/instability:lenet_mnist", 266_610, 266_200),
    ("frankle2020/instability:resnet20_cifar10", 272_474, 270_896),
    ("frankle2020/instability:resnet8_cifar10", 78_042, 77_360),
    ("frankle2020/instability:small_cnn_digits", 24_058, 23_824),
    ("frankle2020/late_rewinding:resnet20_cifar10", 272_474, 270_896),
    ("frankle2020/late_rewinding:resnet8_cifar10", 78_042, 77_360),
    ("renda2020/rewinding:digits", 50_610, 50_200),
    ("renda2020/rewinding:resnet20_cifar10", 272_474, 270_896),
    ("zhang2021/inertial_manifold:digits", 50_610, 50_200),
    ("zhang2021/inertial_manifold:mnist", 266_610, 266_200),
    ("chen2020/bert:glue", 109_483_778, 85_524_480),
    ("chen2020/bert:mlm", 110_104_890, 85_524_480),
    ("chen2020/bert:squad", 109_483_778, 85_524_480),
    ("chen2020/bert:transfer", 109_483_778, 85_524_480),
    ("chen2020/bert:minilm_glue", 22_713_986, 10_616_832),
    ("chen2020/bert:minilm_glue_long", 22_713_986, 10_616_832),
    ("chen2020/bert:minilm_transfer", 22_713_986, 10_616_832),
    ("chen2020/bert:minilm_transfer_long", 22_713_986, 10_616_832),
    ("yu2019/lstm:wikitext2", 50_059_878, 50_059_878),
    ("yu2019/lstm:ptb", 19_775_200, 19_775_200),
    ("yu2019/lstm:ptb_small", 803_025, 803_025),
    ("yu2019/lstm:ptb_words", 1_211_052, 1_211_052),
    ("yu2019/lstm:ptb_recurrent", 1_211_052, 66_048),
    ("zaremba2014/ptb_lstm_200", 4_651_600, 4_651_600),
]

# Deep networks, and those that another preset here covers: tests/slow.
SLOW = {
    "frankle2019/conv:4",
    "frankle2019/deep:vgg19",
    "frankle2019/deep:resnet20_lowlr",
    "frankle2019/deep:resnet20_warmup",
    "morcos2019/vgg19_transfer",
    "morcos2019/resnet50_transfer",
    "bragagnolo2022/equilibrium:resnet32_cifar10",
    "frankle2020/instability:resnet20_cifar10",
    "frankle2020/instability:resnet8_cifar10",
    "frankle2020/late_rewinding:resnet20_cifar10",
    "renda2020/rewinding:resnet20_cifar10",
    "zhou2019/deconstructing:conv2",
    "zhou2019/deconstructing:conv4",
    "zhou2019/deconstructing:conv6",
    "zhou2019/supermasks:conv2",
    "zhou2019/supermasks:conv6",
    "ramanujan2020/edge_popup:conv2",
    "ramanujan2020/edge_popup:conv4",
    "yu2019/lstm:wikitext2",
    "yu2019/lstm:ptb",
    "yu2019/lstm:ptb_words",
    "yu2019/lstm:ptb_recurrent",
    "zaremba2014/ptb_lstm_200",
    "chen2020/bert:glue",
    "chen2020/bert:mlm",
    "chen2020/bert:squad",
    "chen2020/bert:transfer",
    "chen2020/bert:minilm_glue",
    "chen2020/bert:minilm_glue_long",
    "chen2020/bert:minilm_transfer",
    "chen2020/bert:minilm_transfer_long",
}


class Silent:
    def update(self, step: int, of: int, loss: float) -> None:
        """Says nothing."""


def vision_task(config: Config) -> VisionTask:
    return VisionTask(config, made(config.data.name, config.train.batch_size))


def bert_task(config: Config) -> Any:
    """A BERT of the preset's size on synthetic tokens, randomly initialized."""
    pytest.importorskip("keras_hub")
    return language.bert_task(config)


TASKS = {
    "vision": vision_task,
    "bert": bert_task,
    "language_modeling": language.language_modeling_task,
}


def made(name: str, batch_size: int) -> Images:
    rng = np.random.default_rng(0)
    count = 2 * batch_size
    x = rng.integers(0, 256, (count, *SHAPES[name]), dtype=np.uint8)
    every = Split(x, (np.arange(count) % 10).astype(np.int32))
    few = every.take(np.arange(batch_size))
    return Images(train=every, validation=few, test=few, classes=10)


def shortened(name: str) -> Config:
    """The preset with 2 steps of 2 images, and late rewinding moved to step 1."""
    settings = presets.load(name)
    short = {"train.length": "2it", "train.batch_size": 2, "train.eval_every": 1}
    short["optimizer.learning_rate"] = 1e-3  # the papers' are for larger batches
    if settings.rewind.to != "0it":
        short["rewind.to"] = "1it"
    # Some studies and algorithms don't read all of these.
    return freeze(presets.load(name, short).to_dict(), allow_unread=True)


def test_every_preset_is_here():
    rows = (*WEIGHTS, *RL_WEIGHTS, *TRANSLATION_WEIGHTS)
    assert {name for name, *_ in rows} == set(presets.names())


@pytest.mark.parametrize(
    "name, total, prunable",
    [
        pytest.param(*row, marks=[pytest.mark.backend] if row[0] in EVERY_BACKEND else [])
        for row in WEIGHTS
        if row[0] not in SLOW
    ],
)
def test_a_preset_trains_prunes_rewinds_and_trains_again(name, total, prunable):
    train_prune_rewind_train(name, total, prunable)


def train_prune_rewind_train(name, total, prunable):
    config = shortened(name)
    task = TASKS[config.task](config)
    variables = task.variables()
    assert sum(v.size for v in variables) == total
    assert sum(v.size for v in variables if v.prunable) == prunable

    dense = Training("", config.task, 0, 0, "dense")
    first = task.fit(dense, Start(task.start_weights(0)), Silent())
    masks = prune_round(first.weights, {}, variables, config.prune, 1, seed=0)
    kept = sum(np.count_nonzero(m) for m in masks.values())
    rate = config.prune.levels[0] if config.prune.levels else config.prune.rate
    loose = config.prune.rates or config.prune.pattern != "weights"  # channels differ in size
    assert kept / prunable == pytest.approx(1 - rate, abs=0.11 if loose else 1e-3)

    state = first.rewind
    step = state["step"].item()
    early = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    assert early.keys() == first.weights.keys()
    rewound = Start(early, masks, step=step, learning_rate_step=step, data_order_step=step)
    second = task.fit(Training("", config.task, 0, 1, "winning"), rewound, Silent())
    assert second.steps == 2 - step
    # The training loss: after two steps the moving statistics of fifty layers are meaningless.
    assert np.isfinite(second.history[-1]["loss"])
    for path, mask in masks.items():
        assert not second.weights[path][~mask].any()
