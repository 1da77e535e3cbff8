"""The hashes of the presets: kept results and tickets are found by them."""

import pytest

import keras_lottery.studies  # noqa: F401  registers studies and tasks
from keras_lottery import presets
from keras_lottery.config import digest, freeze

DIGESTS = {
    "bragagnolo2022/resnet32_cifar10": "55f39be6",
    "bragagnolo2022/small_cnn_digits": "40d1732b",
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
    "frankle2019/resnet20_cifar10": "04086b48",
    "frankle2019/resnet20_cifar10_lowlr": "7eec0237",
    "frankle2019/vgg19_cifar10": "e548fc9f",
    "frankle2020/instability_lenet_mnist": "6612498c",
    "frankle2020/instability_resnet20_cifar10": "50d07143",
    "frankle2020/instability_small_cnn_digits": "68e2f900",
    "frankle2021/prune_at_init_lenet_mnist": "259635e6",
    "morcos2019/lenet_transfer": "263a1a68",
    "morcos2019/resnet50_transfer": "82124b5d",
    "morcos2019/small_cnn_transfer": "3e862a5e",
    "morcos2019/vgg19_transfer": "7747f57f",
    "natale2024/strong_tickets_digits": "7753d7ae",
    "quickstart": "387433bf",
    "ramanujan2020/edge_popup_conv2_cifar10": "b8851532",
    "ramanujan2020/edge_popup_conv4_cifar10": "3810c5b3",
    "ramanujan2020/edge_popup_lenet_mnist": "0c66d67b",
    "renda2020/rewinding_digits": "54e79810",
    "renda2020/rewinding_resnet20_cifar10": "95b7b440",
    "yu2019/acrobot_dqn": "3cca1c2c",
    "yu2019/acrobot_dqn_small": "9bd5d95b",
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
    "yu2019/cartpole_dqn": "3f3beea6",
    "yu2019/cartpole_dqn_small": "b1f4c374",
    "yu2019/cartpole_ppo_small": "2047e202",
    "yu2019/lunarlander_dqn": "c1465334",
    "yu2019/lunarlander_dqn_small": "6e5b6d8d",
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
