"""A two-layer LSTM language model on WikiText-2 (Yu et al. 2019, arXiv 1906.02768).

The paper calls a ticket random without saying what becomes of its mask. Here `permuted_global` is
its random ticket: fresh weights under a mask shuffled over all of them, as in the sister paper of
two of its authors (Morcos et al. 2019, arXiv 1906.02773). `permuted_layer` and `reinit` are the
stricter controls.

`--config.model.tied=True` predicts words with the matrix that they are read with.
"""

from ml_collections import ConfigDict

# What the paper's sizes come to; it prints no count.
PAPER = {
    "weights": "50.06M",
    "convolutions": "none",
    "note": "the paper's 50.06 M are computed from its sizes, for words predicted with a matrix "
    "of their own",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Yu et al. 2019 (1906.02768)"
CLAIMS = (
    {
        "says": "Winning tickets are better than random ones.",
        "source": f"{PAPER_NAME}, figure 1",
        "compare": "winning > permuted_global",
    },
    {
        "says": "Up to 90 % of the weights can go without a noticeable rise in log-perplexity.",
        "source": f"{PAPER_NAME}, figure 1",
        "compare": "winning >= dense within 0.03",
        "remaining": (0.1, 0.9),
    },
    {
        "says": "Late rewinding helps a little.",
        "source": f"{PAPER_NAME}, figure 1",
        "compare": "winning > winning_init",
        "remaining": (0.02, 0.5),
    },
    {
        "says": "One-shot tickets are worse than random ones once 80 % is pruned.",
        "source": f"{PAPER_NAME}, figure 1",
        "compare": "one_shot < permuted_global",
        "remaining": (0.0, 0.2),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "wikitext2_lstm"  # ours
    config.task = "language_modelling"  # Yu 2019: language modelling

    config.data.name = "files"  # Yu 2019: WikiText-2, whose files have rare words as <unk>
    config.data.dir = ""  # ours: the folder that holds the text
    config.data.train = "wiki.train.tokens"  # ours: named as they are distributed
    config.data.validation = "wiki.valid.tokens"  # ours: named as they are distributed
    config.data.test = "wiki.test.tokens"  # Yu 2019: measured on the test set
    config.data.steps = 50  # Yu 2019: truncated backpropagation over 50 steps

    config.model.name = "lstm"  # Yu 2019
    config.model.layers = 2  # Yu 2019
    config.model.units = 650  # Yu 2019
    config.model.embedding = 650  # Yu 2019
    config.model.dropout = 0.5  # Yu 2019: between the two layers
    config.model.tied = False  # ours: the paper does not say

    config.optimizer.name = "adam"  # Yu 2019
    config.optimizer.learning_rate = 1e-3  # Yu 2019
    config.optimizer.beta_1 = 0.9  # Yu 2019
    config.optimizer.beta_2 = 0.999  # Yu 2019
    config.optimizer.epsilon = 1e-3  # Yu 2019
    config.optimizer.schedule = "constant"  # ours: the paper names no schedule

    config.train.length = "10ep"  # Yu 2019: 10 epochs a round
    config.train.batch_size = 30  # Yu 2019
    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # ours: the paper trains for a fixed number of epochs

    config.prune.rounds = 20  # Yu 2019
    config.prune.rate = 0.2  # Yu 2019
    config.prune.scope = "global"  # Yu 2019: weights of all layers are pooled
    config.prune.biases = True  # Yu 2019: biases are pooled too
    config.prune.embeddings = True  # Yu 2019: all weights
    config.prune.output = True  # Yu 2019: all weights
    config.prune.criterion = "magnitude"  # Yu 2019

    config.rewind.to = "1ep"  # Yu 2019: the weights after the first epoch

    config.seeds = (0, 1, 2)  # ours: the paper does not say how many
    # One-shot pruning and no late rewinding are in figure 1 of the paper; its random ticket is
    # permuted_global. permuted_layer and reinit are ours.
    controls = ("permuted_global", "permuted_layer", "reinit", "one_shot", "winning_init")
    config.arms = ("winning", *controls)  # Yu 2019, figure 1, and ours
    config.draws = 1  # ours
    config.claims = CLAIMS
    return config
