"""The LSTM language model of Yu et al. 2020 (arXiv 1906.02768) on the Penn Treebank.

The paper's own text is WikiText-2 (`wikitext2_lstm`): the network and its training are those of
that preset.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "ptb_lstm"  # ours
    config.task = "language_modelling"  # Yu 2020: language modelling

    config.data.name = "files"  # ours: the Penn Treebank in the form of Mikolov et al. 2010
    config.data.dir = ""  # ours: the folder that holds the text
    config.data.train = "ptb.train.txt.gz"  # ours: as distributed, gzipped or not
    config.data.validation = "ptb.valid.txt.gz"  # ours: as distributed, gzipped or not
    config.data.test = "ptb.test.txt.gz"  # Yu 2020: measured on the test set
    config.data.steps = 50  # Yu 2020: truncated backpropagation over 50 steps

    config.model.name = "lstm"  # Yu 2020
    config.model.layers = 2  # Yu 2020
    config.model.units = 650  # Yu 2020
    config.model.embedding = 650  # Yu 2020
    config.model.dropout = 0.5  # Yu 2020: between the two layers
    config.model.tied = False  # ours: the paper does not say

    config.optimizer.name = "adam"  # Yu 2020
    config.optimizer.learning_rate = 1e-3  # Yu 2020
    config.optimizer.beta_1 = 0.9  # Yu 2020
    config.optimizer.beta_2 = 0.999  # Yu 2020
    config.optimizer.epsilon = 1e-3  # Yu 2020
    config.optimizer.schedule = "constant"  # ours: the paper names no schedule

    config.train.length = "10ep"  # Yu 2020: 10 epochs a round
    config.train.batch_size = 30  # Yu 2020
    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # ours: the paper trains for a fixed number of epochs

    config.prune.rounds = 20  # Yu 2020
    config.prune.rate = 0.2  # Yu 2020
    config.prune.scope = "global"  # Yu 2020: weights of all layers are pooled
    config.prune.biases = True  # Yu 2020: biases are pooled too
    config.prune.embeddings = True  # Yu 2020: all weights
    config.prune.output = True  # Yu 2020: all weights
    config.prune.criterion = "magnitude"  # Yu 2020

    config.rewind.to = "1ep"  # Yu 2020: the weights after the first epoch

    config.seeds = (0, 1, 2)  # ours: the paper does not say how many
    config.arms = (
        "winning",  # Yu 2020, figure 1
        "permuted_global",  # ours: the paper's random ticket
        "permuted_layer",  # ours
        "reinit",  # ours
        "one_shot",  # Yu 2020, figure 1
        "winning_init",  # Yu 2020, figure 1: without late rewinding
    )
    config.draws = 1  # ours
    return config
