"""Translation with Transformers (Yu et al. 2019).

Reference: Yu et al. 2019, "Playing the lottery with rewards and multiple languages" (1906.02768),
after Vaswani et al. 2017 (1706.03762) and Ott et al. 2018.

Everything is pruned together; `--config.prune.embeddings=False` leaves out the embeddings, as in
the paper's second experiment, and `--config.prune.include='*embedding*'` prunes only them.

`multi30k_small` keeps the protocol: everything but normalizations pruned together, late rewinding
to an update within the warm-up. Its sizes, data and budget are ours.
`multi30k_layers_long` prunes the layers alone, in trainings twice as long, for a dense network that
has converged.
"""

from ml_collections import ConfigDict

DEFAULT = "base"
VARIANTS = {
    "base": "Transformer Base on WMT'14 English-German",
    "big": "Transformer Big on WMT'14 English-German",
    "multi30k_small": "A small Transformer on Multi30k German-English, for two CPU cores",
    "multi30k_layers_long": "The same Transformer trained longer, with only its layers pruned",
}
PAPER = {"big": {"weights": "210 M", "convolutions": "–"}}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")
PAPER_NAME = "Yu et al. 2019 (1906.02768)"

# The paper's claims, as comparisons of `multi30k_small`.
CLAIMS = (
    {"says": "With 67 % pruned a ticket of Transformer Big keeps 99 % of its BLEU.",
     "source": f"{PAPER_NAME}, figure 3", "compare": "winning >= dense within 0.3",
     "remaining": (0.3, 0.35), "not_comparable": "the dense network is undertrained"},
    {"says": "Winning tickets are better than random ones.",
     "source": f"{PAPER_NAME}, figure 2", "compare": "winning > permuted_global by 0.5",
     "remaining": (0.0, 0.4)},
    {"says": "Iterative pruning helps.",
     "source": f"{PAPER_NAME}, figure 2", "compare": "winning > one_shot by 0.3",
     "remaining": (0.0, 0.4)},
    {"says": "Late rewinding helps.",
     "source": f"{PAPER_NAME}, figure 2", "compare": "winning > winning_init by 0.3",
     "remaining": (0.0, 0.4)},
    {"says": "Iterative pruning matters more than late rewinding.",
     "source": f"{PAPER_NAME}, figure 2", "compare": "winning_init > one_shot",
     "remaining": (0.0, 0.4)},
)  # fmt: skip

# The paper's claims about pruning the layers alone, as comparisons of `multi30k_layers_long`.
LAYERS_CLAIMS = (
    {"says": "With 67 % of the layers pruned a ticket loses little BLEU.",
     "source": "ours", "compare": "winning >= dense within 0.3",
     "remaining": (0.3, 0.35)},
    {"says": "Winning tickets of the layers are better than random ones.",
     "source": f"{PAPER_NAME}, figure 2", "compare": "winning > permuted_global by 0.5",
     "remaining": (0.0, 0.4)},
    {"says": "Iterative pruning of the layers helps.",
     "source": f"{PAPER_NAME}, figure 2", "compare": "winning > one_shot by 0.3",
     "remaining": (0.0, 0.4)},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = f"transformer_{argument}"  # ours
    config.task = "translation"  # Yu 2019

    config.data.name = "wmt14"  # Yu 2019
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
    config.train.average = 10  # ours: the paper averages, but doesn't say how many
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

    if argument == "big":
        config.model.width = 1024  # Vaswani 2017
        config.model.hidden = 4096  # Vaswani 2017
        config.model.heads = 16  # Vaswani 2017
        config.model.dropout = 0.3  # Vaswani 2017
    elif argument == "multi30k_small":
        multi30k_small(config)
    elif argument == "multi30k_layers_long":
        multi30k_small(config)
        multi30k_layers_long(config)
    return config


def multi30k_small(config: ConfigDict) -> None:
    """Sets the fields of the small network."""
    config.name = "multi30k_transformer_small"  # ours

    config.data.name = "text"  # ours: WMT'14 in the paper
    config.data.source = "de"  # ours: English to German in the paper
    config.data.target = "en"  # ours
    config.data.vocabulary = 4000  # ours
    config.data.lengths = (16, 24, 48)  # ours

    config.model.layers = 2  # ours: 6 in the paper
    config.model.width = 128  # ours
    config.model.hidden = 256  # ours
    config.model.heads = 4  # ours
    del config.model.length_penalty, config.model.extra

    config.optimizer.learning_rate = 3e-3  # ours
    del config.optimizer.epsilon
    config.optimizer.warmup = "400it"  # ours: 4,000

    config.train.length = "2000it"  # ours: 50,000 in the paper
    config.train.batch_size = 2048  # ours: subwords
    config.train.eval_every = 500  # ours
    config.train.jit = "false"  # ours: XLA gains nothing on a CPU here
    config.train.average = 3  # ours: the paper does not say how many
    config.train.average_every = "100it"  # ours

    config.prune.rounds = 4  # ours: 20 in the paper
    config.prune.schedule = "levels"  # ours
    config.prune.levels = (0.36, 0.5904, 0.672, 0.7379)  # ours: the paper's rounds 2, 4, 5 and 6
    del config.prune.rate
    # Only at 67.2 % pruned: the arms other than the random ticket.
    third = {"one_shot": (3,), "winning_init": (3,), "permuted_layer": (3,)}
    config.prune.arm_rounds = third  # ours
    config.prune.norms = False  # ours: normalization layers are not pruned
    config.rewind.to = "100it"  # ours: a quarter of the warm-up, as 1,000 updates in the paper

    controls = ("permuted_global", "permuted_layer", "one_shot", "winning_init")
    config.arms = ("winning", *controls)  # Yu 2019; permuted_layer: ours
    config.report = {"sparse": 0.33}  # ours
    config.claims = CLAIMS


def multi30k_layers_long(config: ConfigDict) -> None:
    """Sets the fields in which pruning the layers differs from `multi30k_small`."""
    config.name = "multi30k_layers_long"  # ours

    config.train.length = "4000it"  # ours: twice that of `multi30k_small`
    config.train.eval_every = 1000  # ours

    config.prune.embeddings = False  # Yu 2019: its second experiment
    config.prune.rounds = 2  # ours: 20 in the paper
    config.prune.levels = (0.4, 0.672)  # ours: the paper's round 5, in two rounds
    config.prune.arm_rounds = {"permuted_global": (2,), "one_shot": (2,)}  # ours

    config.arms = ("winning", "permuted_global", "one_shot")  # Yu 2019
    config.claims = LAYERS_CLAIMS
