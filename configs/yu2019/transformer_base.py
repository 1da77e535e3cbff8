"""Transformer Base on WMT'14 English-German, as Yu et al. 2019 train it.

Reference: Yu et al. 2019, "Playing the lottery with rewards and multiple languages" (1906.02768),
after Vaswani et al. 2017 (1706.03762) and Ott et al. 2018. Everything is pruned together;
`--config.prune.embeddings=False` leaves the embeddings alone, as the paper's second experiment.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "transformer_base"  # ours
    config.task = "translation"  # Yu 2019

    config.data.name = "wmt14"  # Yu 2019
    config.data.dir = ""  # ours: the folder that holds the prepared data set
    config.data.source = "en"  # Yu 2019
    config.data.target = "de"  # Yu 2019
    config.data.vocabulary = 32_768  # ours: about as large as that of Vaswani et al. 2017
    config.data.lengths = (32, 64, 128)  # ours

    config.model.layers = 6  # Vaswani 2017
    config.model.width = 512  # Vaswani 2017
    config.model.hidden = 2048  # Vaswani 2017
    config.model.heads = 8  # Vaswani 2017
    config.model.dropout = 0.1  # Vaswani 2017
    config.model.label_smoothing = 0.1  # Vaswani 2017
    config.model.beam = 4  # Vaswani 2017
    config.model.length_penalty = 0.6  # Vaswani 2017
    config.model.extra = 50  # Vaswani 2017

    config.optimizer.name = "adam"  # Vaswani 2017
    config.optimizer.learning_rate = 5e-4  # ours: fairseq's for these models
    config.optimizer.beta_2 = 0.98  # Vaswani 2017
    config.optimizer.epsilon = 1e-9  # Vaswani 2017
    config.optimizer.schedule = "inverse_sqrt"  # Vaswani 2017
    config.optimizer.warmup = "4000it"  # Vaswani 2017

    config.train.length = "50000it"  # Yu 2019
    config.train.batch_size = 25_600  # ours: about the 25,000 subwords of Vaswani et al. 2017
    config.train.eval_every = 1000  # ours
    config.train.value = "final"  # ours
    config.train.average = 10  # ours: the paper averages, and does not say how many
    config.train.average_every = "1000it"  # ours

    config.prune.rounds = 20  # ours: the paper's plots end there
    config.prune.rate = 0.2  # Yu 2019
    config.prune.scope = "global"  # Yu 2019
    config.prune.biases = True  # Yu 2019: "all weights (including biases)"
    config.prune.norms = True  # Yu 2019: all weights
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1000it"  # Yu 2019
    config.rewind.schedule = "resume"  # ours: the paper does not say; "restart" warms up again

    config.seeds = (0, 1, 2)  # ours: the paper does not say
    config.arms = ("winning", "permuted_global", "one_shot", "winning_init")  # Yu 2019
    config.draws = 1  # ours
    return config
