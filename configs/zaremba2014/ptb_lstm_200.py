"""The small LSTM of Zaremba et al. 2014 (arXiv 1409.2329) on the Penn Treebank.

Its perplexity is published, so it checks that the language models here learn as they should.
Pruning is as in Yu et al. 2019 (arXiv 1906.02768), in fewer rounds.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets


def get_config() -> ConfigDict:
    """Returns the experiment: what differs from `yu2019/lstm:ptb`."""
    config = presets.load("yu2019/lstm:ptb")
    config.name = "ptb_lstm_200"  # ours
    config.task = "language_modeling"  # Zaremba et al. 2014

    config.data.name = "files"  # Zaremba et al. 2014: the Penn Treebank of Mikolov et al. 2010
    config.data.steps = 20  # Zaremba et al. 2014

    config.model.name = "lstm"  # Zaremba et al. 2014
    config.model.layers = 2  # Zaremba et al. 2014
    config.model.units = 200  # Zaremba et al. 2014: the non-regularized LSTM
    config.model.embedding = 200  # Zaremba et al. 2014
    config.model.dropout = 0.0  # Zaremba et al. 2014: the non-regularized LSTM
    config.model.tied = False  # Zaremba et al. 2014

    # Their loss sums over the 20 steps, ours averages: 20 times the rate, a 20th of the clipping.
    config.optimizer = {}
    config.optimizer.name = "sgd"  # Zaremba et al. 2014
    config.optimizer.learning_rate = 20.0  # Zaremba et al. 2014: 1
    config.optimizer.global_clipnorm = 0.25  # Zaremba et al. 2014: 5
    config.optimizer.schedule = "piecewise"  # Zaremba et al. 2014
    config.optimizer.boundaries = tuple(f"{n}ep" for n in range(4, 13))  # Zaremba et al. 2014
    config.optimizer.factor = 0.5  # Zaremba et al. 2014

    config.train.length = "13ep"  # Zaremba et al. 2014
    config.train.batch_size = 20  # Zaremba et al. 2014

    config.prune.rounds = 4  # ours: 20 in Yu 2019
    config.prune.rate = 0.5  # ours: 20 % in Yu 2019

    config.arms = ("winning", "permuted_global")  # Yu 2019, figure 1
    del config.claims
    return config
