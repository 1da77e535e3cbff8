"""The hashes of the presets: kept results and tickets are found by them."""

import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import presets
from keras_lottery.config import digest, freeze

DIGESTS = {
    "bragagnolo2022/equilibrium:resnet32_cifar10": "55f39be6",
    "bragagnolo2022/equilibrium:small_cnn_digits": "40d1732b",
    "chen2020/bert:glue": "65b1a392",
    "chen2020/bert:mlm": "a20167a5",
    "chen2020/bert:squad": "8525bde1",
    "chen2020/bert:transfer": "d97e67af",
    "chen2020/bert:minilm_glue": "d71f3943",
    "chen2020/bert:minilm_transfer": "5259640a",
    "frankle2019/conv:2": "8f445078",
    "frankle2019/conv:4": "3510a5ce",
    "frankle2019/conv:6": "b4237c20",
    "frankle2019/lenet_mnist": "333a0ccc",
    "frankle2019/deep:resnet20": "04086b48",
    "frankle2019/deep:resnet20_lowlr": "7eec0237",
    "frankle2019/deep:vgg19": "e548fc9f",
    "frankle2020/instability:lenet_mnist": "6612498c",
    "frankle2020/instability:resnet20_cifar10": "50d07143",
    "frankle2020/instability:small_cnn_digits": "68e2f900",
    "frankle2021/prune_at_init_lenet_mnist": "259635e6",
    "morcos2019/lenet_transfer": "263a1a68",
    "morcos2019/resnet50_transfer": "82124b5d",
    "morcos2019/small_cnn_transfer": "3e862a5e",
    "morcos2019/vgg19_transfer": "7747f57f",
    "natale2024/strong_tickets_digits": "7753d7ae",
    "quickstart": "387433bf",
    "ramanujan2020/edge_popup:conv2": "b8851532",
    "ramanujan2020/edge_popup:conv4": "3810c5b3",
    "ramanujan2020/edge_popup:lenet": "0c66d67b",
    "renda2020/rewinding:digits": "54e79810",
    "renda2020/rewinding:resnet20_cifar10": "95b7b440",
    "yu2019/control:acrobot": "3cca1c2c",
    "yu2019/control:acrobot_small": "9bd5d95b",
    "yu2019/atari:assault": "4d9d0ee9",
    "yu2019/atari:berzerk": "eae79bdf",
    "yu2019/atari:breakout": "b4c88785",
    "yu2019/atari:breakout_small": "6ef4f039",
    "yu2019/atari:centipede": "17cd0d01",
    "yu2019/atari:kangaroo": "4f0d22ba",
    "yu2019/atari:krull": "5a99a9a7",
    "yu2019/atari:qbert": "df297825",
    "yu2019/atari:seaquest": "f34afbc8",
    "yu2019/atari:space_invaders": "db0b3a8c",
    "yu2019/control:cartpole": "3f3beea6",
    "yu2019/control:cartpole_small": "b1f4c374",
    "yu2019/control:cartpole_ppo_small": "2047e202",
    "yu2019/control:lunarlander": "c1465334",
    "yu2019/control:lunarlander_small": "6e5b6d8d",
    "yu2019/control:minatar_breakout": "6badad58",
    "yu2019/transformer:multi30k_small": "2f72bb87",
    "yu2019/lstm:ptb": "93072f01",
    "yu2019/lstm:ptb_small": "810a63af",
    "yu2019/transformer:base": "c8cbe942",
    "yu2019/transformer:big": "a6978fa7",
    "yu2019/lstm:wikitext2": "9fac819a",
    "zaremba2014/ptb_lstm_200": "2c5dd2a9",
    "zhang2021/inertial_manifold:digits": "6c4cc8bf",
    "zhang2021/inertial_manifold:mnist": "dcada5eb",
    "zhou2019/deconstructing:conv2": "03b49385",
    "zhou2019/deconstructing:conv4": "8521f8b7",
    "zhou2019/deconstructing:conv6": "1c238d5c",
    "zhou2019/deconstructing:lenet": "fdede107",
    "zhou2019/supermasks:learned": "202bf527",
    "zhou2019/supermasks:conv2": "dfda268b",
    "zhou2019/supermasks:lenet": "96b294ea",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_the_hash_of_a_preset_stays(name):
    assert digest(freeze(presets.load(name))) == DIGESTS[name]
