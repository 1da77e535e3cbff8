"""Tickets of channels: iterative magnitude pruning of whole channels, of a small network on digits.

The networks of each round really are smaller: `kl.compact` and `keras-lottery export` remove the
pruned channels. No paper of the package asks whether such tickets win. The controls are those of
Frankle & Carbin 2019 (arXiv 1803.03635), with channels in place of weights.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

# Declared before the run. None is a paper's: single weights are what the papers prune.
CLAIMS = (
    {"says": "Tickets of channels beat their reinitialized controls.",
     "source": "ours", "compare": "winning > reinit", "remaining": (0.0, 0.35)},
    {"says": "They beat networks with as many channels in each layer, drawn at random.",
     "source": "ours", "compare": "winning > permuted_layer", "remaining": (0.0, 0.35)},
    {"says": "They beat networks with as many channels in all, drawn at random.",
     "source": "ours", "compare": "winning > permuted_global", "remaining": (0.0, 0.35)},
)  # fmt: skip


def get_config() -> ConfigDict:
    """Returns the experiment; every field that differs from `quickstart` says why."""
    config = presets.load("quickstart")
    config.name = "channels"  # ours
    config.model = {"name": "small_cnn"}  # ours: three convolutions with batch norm
    config.prune.pattern = "channels"  # ours
    config.prune.rounds = 6  # ours: 26 % of the channels remain
    config.prune.rate = 0.2  # ours: as F&C 2019
    config.rewind.to = "100it"  # ours: late rewinding, as Frankle et al. 2020 for such networks
    config.claims = CLAIMS
    return config
