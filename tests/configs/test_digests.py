"""The hashes of the presets: kept results and tickets are found by them."""

import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import presets
from keras_lottery.config import digest, freeze

DIGESTS = {
    "bragagnolo2022/resnet32_cifar10": "044c35e9",
    "bragagnolo2022/small_cnn_digits": "d37d8ff4",
    "chen2020/bert_base_glue": "65b1a392",
    "chen2020/bert_base_mlm": "a20167a5",
    "chen2020/bert_base_squad": "8525bde1",
    "chen2020/bert_base_transfer": "d97e67af",
    "chen2020/minilm_glue": "d71f3943",
    "chen2020/minilm_transfer": "5259640a",
    "frankle2019/conv2_cifar10": "8f445078",
    "frankle2019/conv4_cifar10": "3510a5ce",
    "frankle2019/conv6_cifar10": "b4237c20",
    "frankle2019/lenet_mnist": "333a0ccc",
    "frankle2019/resnet20_cifar10": "c45c293e",
    "frankle2019/resnet20_cifar10_lowlr": "3b77c248",
    "frankle2019/vgg19_cifar10": "1ff3adc9",
    "frankle2020/instability_lenet_mnist": "6612498c",
    "frankle2020/instability_resnet20_cifar10": "58d1aec2",
    "frankle2020/instability_small_cnn_digits": "68e2f900",
    "frankle2021/prune_at_init_lenet_mnist": "259635e6",
    "morcos2019/lenet_transfer": "263a1a68",
    "morcos2019/resnet50_transfer": "ee97d09d",
    "morcos2019/small_cnn_transfer": "54fe7084",
    "morcos2019/vgg19_transfer": "7060f00f",
    "natale2024/strong_tickets_digits": "7753d7ae",
    "quickstart": "387433bf",
    "ramanujan2020/edge_popup_conv2_cifar10": "f65479d8",
    "ramanujan2020/edge_popup_conv4_cifar10": "c00eb983",
    "ramanujan2020/edge_popup_lenet_mnist": "539f8e50",
    "renda2020/rewinding_digits": "54e79810",
    "renda2020/rewinding_resnet20_cifar10": "9e8f3bee",
    "yu2019/acrobot_dqn": "eeb0ea41",
    "yu2019/acrobot_dqn_small": "4ac83757",
    "yu2019/atari_assault_dqn": "4d9d0ee9",
    "yu2019/atari_berzerk_dqn": "eae79bdf",
    "yu2019/atari_breakout_dqn": "b4c88785",
    "yu2019/atari_breakout_dqn_small": "6ef4f039",
    "yu2019/atari_centipede_dqn": "17cd0d01",
    "yu2019/atari_kangaroo_dqn": "4f0d22ba",
    "yu2019/atari_krull_dqn": "5a99a9a7",
    "yu2019/atari_qbert_dqn": "df297825",
    "yu2019/atari_seaquest_dqn": "f34afbc8",
    "yu2019/atari_space_invaders_dqn": "db0b3a8c",
    "yu2019/cartpole_dqn": "db6fae39",
    "yu2019/cartpole_dqn_small": "eca3e1e9",
    "yu2019/cartpole_ppo_small": "283d8eaa",
    "yu2019/lunarlander_dqn": "86c074f3",
    "yu2019/lunarlander_dqn_small": "82874ffa",
    "yu2019/minatar_breakout_dqn": "6badad58",
    "yu2019/multi30k_transformer_small": "2f72bb87",
    "yu2019/ptb_lstm": "93072f01",
    "yu2019/ptb_lstm_small": "810a63af",
    "yu2019/transformer_base": "c8cbe942",
    "yu2019/transformer_big": "a6978fa7",
    "yu2019/wikitext2_lstm": "9fac819a",
    "zaremba2014/ptb_lstm_200": "2c5dd2a9",
    "zhang2021/inertial_manifold_digits": "6c4cc8bf",
    "zhang2021/inertial_manifold_lenet_mnist": "dcada5eb",
    "zhou2019/deconstructing_conv2_cifar10": "03b49385",
    "zhou2019/deconstructing_conv4_cifar10": "8521f8b7",
    "zhou2019/deconstructing_conv6_cifar10": "1c238d5c",
    "zhou2019/deconstructing_lenet_mnist": "fdede107",
    "zhou2019/supermask_mnist": "202bf527",
    "zhou2019/supermasks_conv2_cifar10": "dfda268b",
    "zhou2019/supermasks_lenet_mnist": "96b294ea",
}


@pytest.mark.parametrize("name", DIGESTS)
def test_the_hash_of_a_preset_stays(name):
    assert digest(freeze(presets.load(name))) == DIGESTS[name]
