"""Tickets in a small pre-trained BERT of 6 layers, fine-tuned on a part of SST-2, for two cores.

The protocol is that of Chen et al. 2020 (arXiv 2007.12223); network, sentences, steps and levels
are fewer. `model.preset` is the folder of a BERT in Hugging Face's layout, in `data.dir`.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind", "report")


# The paper's claims, as comparisons of this experiment.
PAPER_NAME = "Chen et al. 2020 (2007.12223)"
CLAIMS = (
    {
        "says": "Tickets match the dense network at 60 to 70 % pruned.",
        "source": f"{PAPER_NAME}, table 2",
        "compare": "winning >= dense within 0.01",
        "remaining": (0.3, 0.4),
        "not_comparable": "so few steps leave the masks those of the pre-trained magnitudes",
    },
    {
        "says": "Tickets are better than random masks over the pre-trained weights.",
        "source": f"{PAPER_NAME}, table 2",
        "compare": "winning > random_mask by 0.01",
        "remaining": (0.3, 0.4),
    },
    {
        "says": "Tickets need the pre-trained weights.",
        "source": f"{PAPER_NAME}, table 2",
        "compare": "winning > reinit by 0.01",
        "remaining": (0.3, 0.4),
    },
    {
        "says": "Tickets need the pre-trained weights in their own layers.",
        "source": f"{PAPER_NAME}, table 2",
        "compare": "winning > layers_shuffled by 0.01",
        "remaining": (0.3, 0.4),
    },
)


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "minilm_glue"  # ours
    config.task = "bert"  # Chen et al. 2020

    config.data.name = "sst2"  # Chen et al. 2020: one of GLUE's tasks
    config.data.dir = ""  # ours: the folder that holds sst2/ and the preset
    config.data.max_len = 32  # ours: 128 in the paper
    config.data.train_size = 2048  # ours: all in the paper
    config.data.test_size = 0  # Chen et al. 2020: GLUE's dev rows

    config.model.preset = "minilm"  # ours: bert-base-uncased in the paper
    config.model.dropout = 0.1  # ours: as pre-trained

    config.optimizer.name = "adamw"  # Chen et al. 2020
    config.optimizer.learning_rate = 1e-4  # ours: 2e-5 in the paper, over far more steps
    config.optimizer.epsilon = 1e-8  # Chen et al. 2020
    config.optimizer.weight_decay = 0.0  # Chen et al. 2020
    config.optimizer.schedule = "linear"  # Chen et al. 2020
    config.optimizer.global_clipnorm = 1.0  # Chen et al. 2020

    config.train.length = "1ep"  # ours: 3ep in the paper
    config.train.batch_size = 16  # ours: 32 in the paper
    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # Chen et al. 2020

    config.prune.rounds = 2  # ours: 9 in the paper
    config.prune.schedule = "levels"  # ours: ten points a round in the paper
    config.prune.levels = (0.5, 0.7)  # ours: 10 % to 90 % in the paper
    config.prune.scope = "global"  # Chen et al. 2020
    config.prune.criterion = "magnitude"  # Chen et al. 2020
    config.prune.include = ("*/bert_backbone/*",)  # Chen et al. 2020: not the head
    # Sentence embeddings leave the pooler unused, with a tenth of the other kernels' spread: pooled
    # with them, a cut of 70 % keeps one of its weights, and no answer depends on the text.
    config.prune.exclude = ("*/bert_backbone/layers/dense/*",)  # ours: pruned in the paper
    config.prune.embeddings = False  # Chen et al. 2020

    config.rewind.to = "0it"  # Chen et al. 2020: the pre-trained weights

    config.seeds = (0, 1, 2)  # ours
    config.arms = ("winning", "random_mask", "reinit", "layers_shuffled")  # Chen et al. 2020
    config.draws = 1  # ours
    config.report.sparse = 0.3  # ours
    config.claims = CLAIMS
    return config
