"""Tickets in BERT-base, fine-tuned on a task of GLUE.

Chen et al. 2020, "The lottery ticket hypothesis for pre-trained BERT networks" (arXiv 2007.12223),
full size. Where text and code of the paper disagree the code is followed, which made its results:
ten points of the original weights a round. `--config.data.name=` takes any of
GLUE's tasks, from files or (`data.source=tfds`) from tensorflow-datasets.
"""

from ml_collections import ConfigDict

SECTIONS = ("data", "model", "optimizer", "train", "prune", "rewind")


def get_config() -> ConfigDict:
    """Returns the experiment; every field says where the paper states it, or that it is ours."""
    config = ConfigDict({section: {} for section in SECTIONS})
    config.name = "bert_base_glue"  # ours
    config.task = "bert"  # Chen et al. 2020

    config.data.name = "sst2"  # Chen et al. 2020: one of GLUE's tasks
    config.data.dir = ""  # ours: the folder that holds sst2/
    config.data.max_len = 128  # Chen et al. 2020
    config.data.train_size = 0  # Chen et al. 2020: all
    config.data.test_size = 0  # Chen et al. 2020: GLUE's dev rows

    config.model.preset = "bert_base_en_uncased"  # Chen et al. 2020; fetched by KerasHub
    config.model.dropout = 0.1  # ours: as pre-trained

    config.optimizer.name = "adamw"  # Chen et al. 2020
    config.optimizer.learning_rate = 2e-5  # Chen et al. 2020
    config.optimizer.epsilon = 1e-8  # Chen et al. 2020
    config.optimizer.weight_decay = 0.0  # Chen et al. 2020
    config.optimizer.schedule = "linear"  # Chen et al. 2020
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
    config.draws = 1  # ours
    return config
