"""ResNet-50 tickets between all pairs of six data sets (Morcos et al. 2019, arXiv 1906.02773).

Only the network and the length of its training differ from `morcos2019/vgg19_transfer`.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

ARGUMENT = "SOURCE,TARGET"


def get_config(argument: str = "") -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    paper = presets.module("morcos2019/vgg19_transfer")
    config = paper.full_size()
    config.name = "resnet50_transfer"  # ours
    config.model.name = "resnet50"  # Morcos 2019
    config.optimizer.boundaries = ("50ep", "65ep", "80ep")  # Morcos 2019
    config.train.length = "90ep"  # Morcos 2019
    return paper.one_pair(config, argument)
