"""Tickets in BERT, fine-tuned on language tasks.

Chen et al. 2020, "The lottery ticket hypothesis for pre-trained BERT networks" (arXiv 2007.12223).
Where the paper's text and code disagree, this follows the code, which produced its results: each
round prunes ten percent of the original weights. Two things are ours: the learning rate falls to 0
in every round (their code has one schedule over all rounds), and the head is rewound, too. The
variants, the first four at full size:

glue: `--config.data.name=` takes any of GLUE's tasks, from files or (`data.source=tfds`) from
    tensorflow-datasets.
squad: `<data.dir>/squad/` holds `train-v1.1.json` and `dev-v1.1.json`.
mlm: `<data.dir>/mlm/` holds `train.txt` and `dev.txt`; the paper uses Wikipedia. KerasHub ships
    no masked-language-modeling head, so it is initialized from the seed.
transfer: masks between all of the paper's tasks. `data.dir` holds one folder per task.
minilm_glue, minilm_glue_long, minilm_transfer, minilm_transfer_long: for two CPU cores, with a
    smaller network and fewer sentences, steps and levels. `minilm_glue` takes 128 steps,
    `minilm_glue_long` 1,244, next to a mask of the pre-trained magnitudes as a control,
    `init_magnitude`. `minilm_transfer_long` transfers the masks of masked words, whose head is
    trained first. `model.preset` is the folder of a BERT in Hugging Face's layout, in `data.dir`,
    next to `sst2/`, and for transfer `rte/` (not `_long`) and `mlm/` (any text: train.txt and
    dev.txt).
"""

from ml_collections import ConfigDict

DEFAULT = "glue"
VARIANTS = {
    "glue": "Tickets in BERT-base, fine-tuned on a task of GLUE",
    "squad": "Tickets in BERT-base, fine-tuned on the questions of SQuAD v1.1",
    "mlm": "Tickets in BERT-base, trained on masked language modeling as in pre-training",
    "transfer": "Masks of BERT-base between all of the paper's tasks",
    "minilm_glue": "Tickets in a BERT of 6 layers, fine-tuned on part of SST-2, for two CPU cores",
    "minilm_glue_long": "The same in ten times the steps, against masks of pre-trained magnitude",
    "minilm_transfer": "Tickets of a BERT of 6 layers between tasks, for two CPU cores",
    "minilm_transfer_long": "Masks of masked words, with a trained head, fine-tuned on SST-2",
}

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")
PAPER_NAME = "Chen et al. 2020 (2007.12223)"
UNDERTRAINED = "after so few steps the dense network is undertrained"

# The paper's claims, as comparisons. On SST-2:
MATCHES = {
    "says": "Tickets match the dense network at up to 60 % pruned.",
    "source": f"{PAPER_NAME}, table 2", "compare": "winning >= dense within 0.01",
    "remaining": (0.4, 0.5),
}  # fmt: skip
MATCHES_SPARSER = MATCHES | {
    "says": "Tickets match the dense network at 70 % pruned.", "remaining": (0.3, 0.4),
    "not_comparable": "on SST-2 the paper's sparsest ticket is 60 % pruned",
}  # fmt: skip
BETTER_THAN_RANDOM = {
    "says": "Tickets are better than random masks over the pre-trained weights.",
    "source": f"{PAPER_NAME}, table 2", "compare": "winning > random_mask by 0.01",
    "remaining": (0.3, 0.4),
}  # fmt: skip
# With masks of masked words:
MLM_AS_GOOD = {
    "says": "Masks of masked language modeling are as good on SST-2 as its own.",
    "source": f"{PAPER_NAME}, section 4", "compare": "winning from mlm >= winning within 0.01",
    "target": "sst2", "remaining": (0.3, 0.4),
}  # fmt: skip
MLM_BETTER_THAN_RANDOM = {
    "says": "Masks of masked language modeling are better than random ones on SST-2.",
    "source": f"{PAPER_NAME}, section 4", "compare": "winning from mlm > random_mask by 0.01",
    "target": "sst2", "remaining": (0.3, 0.4),
}  # fmt: skip

GLUE_CLAIMS = (
    MATCHES | {"not_comparable": UNDERTRAINED},
    MATCHES_SPARSER | {"not_comparable": UNDERTRAINED},
    BETTER_THAN_RANDOM,
    {"says": "Tickets need the pre-trained weights.",
     "source": f"{PAPER_NAME}, table 2", "compare": "winning > reinit by 0.01",
     "remaining": (0.3, 0.4)},
    {"says": "Tickets need the pre-trained weights in their own layers.",
     "source": f"{PAPER_NAME}, table 2", "compare": "winning > layers_shuffled by 0.01",
     "remaining": (0.3, 0.4)},
)  # fmt: skip
LONG_CLAIMS = (
    MATCHES,
    MATCHES_SPARSER,
    BETTER_THAN_RANDOM,
    {"says": "Tickets are better than masks of the pre-trained weights' magnitude.",
     "source": "ours", "compare": "winning > init_magnitude by 0.005", "remaining": (0.3, 0.5),
     "by_level": True},
)  # fmt: skip
TRANSFER_CLAIMS = (MLM_AS_GOOD | {"not_comparable": UNDERTRAINED}, MLM_BETTER_THAN_RANDOM)
TRANSFER_LONG_CLAIMS = (
    MLM_AS_GOOD,
    MLM_BETTER_THAN_RANDOM,
    {"says": "Masks of masked language modeling are better than those of pre-trained magnitude.",
     "source": "ours", "compare": "winning from mlm > init_magnitude by 0.005", "target": "sst2",
     "remaining": (0.3, 0.5), "by_level": True},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = argument if argument.startswith("minilm") else f"bert_base_{argument}"  # ours
    config.task = "bert"  # Chen et al. 2020

    config.data.name = "sst2"  # Chen et al. 2020: one of GLUE's tasks
    config.data.max_len = 128  # Chen et al. 2020
    config.data.train_size = 0  # Chen et al. 2020: all
    config.data.test_size = 0  # Chen et al. 2020: GLUE's dev rows
    config.model.preset = "bert_base_en_uncased"  # Chen et al. 2020; fetched by KerasHub
    config.model.dropout = 0.1  # ours: as pre-trained

    config.optimizer.name = "adamw"  # Chen et al. 2020
    config.optimizer.learning_rate = 2e-5  # Chen et al. 2020
    config.optimizer.epsilon = 1e-8  # Chen et al. 2020
    config.optimizer.weight_decay = 0.0  # Chen et al. 2020
    config.optimizer.schedule = "linear"  # ours, in each round; their code: once over all rounds
    config.optimizer.global_clipnorm = 1.0  # Chen et al. 2020

    config.train.length = "3ep"  # Chen et al. 2020
    config.train.batch_size = 32  # Chen et al. 2020
    config.train.eval_every = 0  # ours: once an epoch
    config.train.value = "final"  # Chen et al. 2020

    config.prune.rounds = 9  # Chen et al. 2020: 10 % to 90 %
    config.prune.schedule = "linear"  # Chen et al. 2020: their code
    config.prune.rate = 0.1  # Chen et al. 2020: ten points of the original weights
    config.prune.scope = "global"  # Chen et al. 2020
    config.prune.criterion = "magnitude"  # Chen et al. 2020
    config.prune.include = ("*/bert_backbone/*",)  # Chen et al. 2020: not the head
    config.prune.embeddings = False  # Chen et al. 2020
    config.rewind.to = "0it"  # Chen et al. 2020: the pre-trained weights

    config.seeds = (0, 1, 2)  # ours
    config.arms = ("winning", "random_mask", "reinit", "layers_shuffled")  # Chen et al. 2020
    if argument != "glue":
        CHANGES[argument](config)
    return config


def squad(config: ConfigDict) -> None:
    """Sets the fields of SQuAD."""
    config.data.name = "squad"  # Chen et al. 2020
    config.data.max_len = 384  # Chen et al. 2020
    config.data.stride = 128  # Chen et al. 2020
    config.data.test_size = 0  # Chen et al. 2020: all dev questions
    config.optimizer.learning_rate = 3e-5  # Chen et al. 2020
    config.train.length = "4ep"  # Chen et al. 2020: the final fine-tuning of their code
    config.train.batch_size = 16  # Chen et al. 2020


def mlm(config: ConfigDict) -> None:
    """Sets the fields of masked language modeling."""
    config.data.name = "mlm"  # Chen et al. 2020
    config.data.max_len = 128  # ours
    config.data.test_size = 2000  # ours
    config.data.mask_rate = 0.15  # Chen et al. 2020
    config.optimizer.learning_rate = 5e-5  # Chen et al. 2020
    config.train.length = "10000it"  # Chen et al. 2020
    config.train.batch_size = 16  # Chen et al. 2020
    config.train.eval_every = 1000  # ours


def transfer(config: ConfigDict) -> None:
    """Sets the fields of masks between tasks."""
    config.study = "transfer"  # Chen et al. 2020: masks of other tasks
    config.prune.rounds = 7  # ours: down to 70 % pruned
    config.options = {"variants": {}}  # Chen et al. 2020: GLUE's tasks, masked words and SQuAD
    for name in ("cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "qnli", "rte", "wnli"):
        config.options.variants[name] = {"data": {"name": name}}
    config.options.variants.mlm = {  # Chen et al. 2020; max_len, eval_every and test_size are ours
        "data": {"name": "mlm", "test_size": 2000},
        "optimizer": {"learning_rate": 5e-5},
        "train": {"length": "10000it", "batch_size": 16, "eval_every": 1000},
    }
    config.options.variants.squad = {  # Chen et al. 2020
        "data": {"name": "squad", "max_len": 384},
        "optimizer": {"learning_rate": 3e-5},
        "train": {"length": "4ep", "batch_size": 16},
    }
    config.options.sources = ()  # Chen et al. 2020: all tasks
    config.options.targets = ()  # Chen et al. 2020: all tasks
    config.options.arms = ("winning",)  # Chen et al. 2020


def minilm_glue(config: ConfigDict) -> None:
    """Sets the fields of the small network."""
    config.data.max_len = 32  # ours: 128 in the paper
    config.data.train_size = 2048  # ours: all in the paper
    config.model.preset = "minilm"  # ours: bert-base-uncased in the paper
    config.optimizer.learning_rate = 1e-4  # ours: 2e-5 in the paper, over far more steps
    config.train.length = "1ep"  # ours: 3ep in the paper
    config.train.batch_size = 16  # ours: 32 in the paper
    config.prune.rounds = 2  # ours: 9 in the paper
    config.prune.schedule = "levels"  # ours: ten points a round in the paper
    config.prune.levels = (0.5, 0.7)  # ours: 10 % to 90 % in the paper
    del config.prune.rate
    # Sentence embeddings don't use the pooler, whose weights have a tenth of the other kernels'
    # spread: at 70 % pruned globally, one of its weights remains, so outputs ignore the text.
    config.prune.exclude = ("*/bert_backbone/layers/dense/*",)  # ours: pruned in the paper
    config.report = {"sparse": 0.3}  # ours
    config.claims = GLUE_CLAIMS


def minilm_glue_long(config: ConfigDict) -> None:
    """Sets the fields of the small network with enough steps to move its weights."""
    minilm_glue(config)
    config.data.train_size = 10_000  # ours: all in the paper
    config.data.lengths = (8, 12, 16, 24)  # ours: half of the padding's cost
    config.optimizer.learning_rate = 5e-5  # ours: 2e-5 in the paper, over far more steps
    config.train.length = "2ep"  # ours: 3ep in the paper
    # `init_magnitude` is pruned before training, so by the magnitude of the pre-trained weights.
    config.arms = ("winning", "init_magnitude", "random_mask")  # Chen et al. 2020, and ours
    config.claims = LONG_CLAIMS


def minilm_transfer(config: ConfigDict) -> None:
    """Sets the fields of the small network's masks between tasks."""
    minilm_glue(config)
    config.study = "transfer"  # Chen et al. 2020: masks of other tasks
    config.options = {"variants": {}}
    config.options.variants.mlm = {"data": {"name": "mlm"}}  # Chen et al. 2020: masked words
    config.options.variants.sst2 = {"data": {"name": "sst2"}}  # Chen et al. 2020
    config.options.variants.rte = {  # Chen et al. 2020; pairs are longer, so there are fewer
        "data": {"name": "rte", "max_len": 64, "train_size": 1280}
    }
    config.options.variants.sst2_half = {"rewind": {"to": "64it"}}  # Chen et al. 2020: later point
    config.options.sources = ("mlm", "sst2", "rte", "sst2_half")  # Chen et al. 2020: all tasks
    config.options.targets = ("sst2", "rte")  # Chen et al. 2020: all tasks
    config.options.arms = ("winning",)  # Chen et al. 2020
    config.claims = TRANSFER_CLAIMS


def minilm_transfer_long(config: ConfigDict) -> None:
    """Sets the fields of masks of masked words, found and fine-tuned in enough steps."""
    minilm_glue_long(config)
    config.study = "transfer"  # Chen et al. 2020: masks of other tasks
    config.options = {"variants": {}}
    config.options.variants.mlm = {  # Chen et al. 2020: masked words, by a head that is pre-trained
        "data": {"name": "mlm", "test_size": 1000, "lengths": ()},
        "model": {"head_length": "1000it"},
    }
    config.options.variants.sst2 = {"data": {"name": "sst2"}}  # Chen et al. 2020
    config.options.sources = ("mlm",)  # Chen et al. 2020: all tasks
    config.options.targets = ("sst2",)  # Chen et al. 2020: all tasks
    config.options.arms = ("winning",)  # Chen et al. 2020
    config.claims = TRANSFER_LONG_CLAIMS


CHANGES = {
    "squad": squad,
    "mlm": mlm,
    "transfer": transfer,
    "minilm_glue": minilm_glue,
    "minilm_glue_long": minilm_glue_long,
    "minilm_transfer": minilm_transfer,
    "minilm_transfer_long": minilm_transfer_long,
}
