"""A two-layer LSTM language model (Yu et al. 2019, arXiv 1906.02768).

The paper doesn't say how its random tickets' masks are chosen. Here `permuted_global` is the random
ticket: re-initialized weights under a mask shuffled over all of them, as in the companion paper by
two of its authors (Morcos et al. 2019, arXiv 1906.02773). `permuted_layer` and `reinit` are the
stricter controls. `--config.model.tied=True` ties the output layer to the embedding. The variants:

wikitext2: WikiText-2, the paper's own text.
ptb: the same network and training on the Penn Treebank.
ptb_small: a small network on a part of the Penn Treebank; one training takes about a minute on one
    core. The layers, the dropout, the epochs, epsilon, the pooling of all weights and the rewinding
    are the paper's.
ptb_words: the same on four times the text, at a smaller learning rate, to 99 % pruned. More than
    nine tenths of the weights belong to words, so a mask can do well by following the frequencies
    of words; `permuted_word` keeps the number of weights of every word.
ptb_recurrent: `ptb_words` with only the LSTM layers pruned, whose weights belong to no word.
"""

from ml_collections import ConfigDict

DEFAULT = "wikitext2"
VARIANTS = {
    "wikitext2": "A two-layer LSTM language model on WikiText-2",
    "ptb": "The same LSTM on the Penn Treebank",
    "ptb_small": "A small LSTM on a part of the Penn Treebank, for two CPU cores",
    "ptb_words": "The small LSTM on more text, with a control that keeps each word's counts",
    "ptb_recurrent": "The small LSTM on more text, with only its recurrent layers pruned",
}

# Computed from the paper's sizes; it states no count.
PAPER = {
    "wikitext2": {
        "weights": "50.06M",
        "convolutions": "none",
        "note": "the paper states no count; 50.06 M follows from its layer sizes, with an output "
        "layer that isn't tied to the embedding",
    }
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")
PAPER_NAME = "Yu et al. 2019 (1906.02768)"

# The paper's claims, as comparisons of this experiment.
CLAIMS = (
    {"says": "Winning tickets are better than random ones.",
     "source": f"{PAPER_NAME}, figure 1", "compare": "winning > permuted_global"},
    {"says": "Up to 90 % of the weights can go without a noticeable rise in log-perplexity.",
     "source": f"{PAPER_NAME}, figure 1", "compare": "winning >= dense within 0.03",
     "remaining": (0.1, 0.9)},
    {"says": "Late rewinding helps a little.",
     "source": f"{PAPER_NAME}, figure 1", "compare": "winning > winning_init",
     "remaining": (0.02, 0.5)},
    {"says": "One-shot tickets are worse than random ones once 80 % is pruned.",
     "source": f"{PAPER_NAME}, figure 1", "compare": "one_shot < permuted_global",
     "remaining": (0.0, 0.2)},
)  # fmt: skip
# The claims that `ptb_words` and `ptb_recurrent` test, and ours about words.
RANDOM, NINETY_PERCENT, _, ONE_SHOT = CLAIMS
LAYERS_ALONE = "only the LSTM layers are pruned, 5 % of all weights"
WORD_CLAIMS = (
    {"says": "Winning tickets are better than masks with as many weights for every word.",
     "source": "ours", "compare": "winning > permuted_word by 0.02", "remaining": (0.0, 0.2),
     "by_level": True},
    {"says": "Masks with as many weights for every word are better than random ones.",
     "source": "ours", "compare": "permuted_word > permuted_global by 0.02",
     "remaining": (0.0, 0.2), "by_level": True},
    {"says": "One-shot tickets are worse than masks with as many weights for every word.",
     "source": "ours", "compare": "one_shot < permuted_word", "remaining": (0.0, 0.2),
     "by_level": True},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "wikitext2_lstm"  # ours
    config.task = "language_modeling"  # Yu 2019: language modeling

    config.data.name = "files"  # Yu 2019: WikiText-2, whose files have rare words as <unk>
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
    config.claims = CLAIMS

    if argument != "wikitext2":
        penn_treebank(config)
    if argument.startswith("ptb_"):
        small(config)
    if argument in ("ptb_words", "ptb_recurrent"):
        more_text(config)
    if argument == "ptb_recurrent":
        recurrent(config)
    return config


def penn_treebank(config: ConfigDict) -> None:
    """Sets the fields of the other text."""
    config.name = "ptb_lstm"  # ours
    config.data.name = "files"  # ours: the Penn Treebank in the form of Mikolov et al. 2010
    config.data.train = "ptb.train.txt.gz"  # ours: as distributed, gzipped or not
    config.data.validation = "ptb.valid.txt.gz"  # ours: as distributed, gzipped or not
    config.data.test = "ptb.test.txt.gz"  # Yu 2019: measured on the test set


def small(config: ConfigDict) -> None:
    """Sets the fields of the small network."""
    config.name = "ptb_lstm_small"  # ours
    config.data.steps = 25  # ours: more and smaller steps than the 50 tokens of Yu 2019
    config.data.train_tokens = 60_000  # ours: of 929,589, for the time
    config.data.test_tokens = 20_000  # ours: of 73,760 and 82,430, for the time
    config.model.units = 64  # ours
    config.model.embedding = 64  # ours
    config.optimizer.learning_rate = 0.06  # ours: 1e-3 learns almost nothing in so few steps
    config.train.batch_size = 20  # ours
    config.prune.rounds = 4  # ours: to 93.75 % pruned
    config.prune.rate = 0.5  # ours: fewer, larger rounds
    config.report = {"sparse": 0.2}  # ours


def more_text(config: ConfigDict) -> None:
    """Sets the fields of the small network on more text."""
    config.name = "ptb_lstm_words"  # ours
    config.data.train_tokens = 240_000  # ours: of 929,589, for the time
    config.optimizer.learning_rate = 0.03  # ours: 1e-3 in the paper, over three times the steps
    config.prune.schedule = "levels"  # ours
    config.prune.levels = (0.6, 0.85, 0.95, 0.99)  # ours: the paper prunes 20 % in a round
    config.prune.rounds = 4  # ours
    del config.prune.rate
    controls = ("permuted_global", "permuted_word", "one_shot")
    config.arms = ("winning", *controls)  # Yu 2019, figure 1; permuted_word is ours
    # The question is what happens past 80 % pruned.
    config.prune.arm_rounds = dict.fromkeys(controls, (2, 3, 4))  # ours
    config.claims = (RANDOM, NINETY_PERCENT, ONE_SHOT, *WORD_CLAIMS)


def recurrent(config: ConfigDict) -> None:
    """Sets the fields of pruning the LSTM layers alone."""
    config.name = "ptb_lstm_recurrent"  # ours
    config.prune.embeddings = False  # ours: they belong to words
    config.prune.output = False  # ours: it belongs to words
    controls = ("permuted_global", "one_shot")
    config.arms = ("winning", *controls)  # Yu 2019, figure 1
    config.prune.arm_rounds = dict.fromkeys(controls, (2, 3, 4))  # ours
    config.claims = (RANDOM, NINETY_PERCENT | {"not_comparable": LAYERS_ALONE}, ONE_SHOT)
