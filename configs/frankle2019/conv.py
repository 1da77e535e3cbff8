"""Conv-2, Conv-4 and Conv-6 on CIFAR-10 (Frankle & Carbin 2019, arXiv 1803.03635).

The paper reports that accuracy rises by up to 3.4, 3.5 and 3.3 points, at 4.6, 11.1 and 26.4 % of
the weights remaining.

The layers that the paper lists for Conv-6 have 2.26 M weights, not the 1.7 M it states: 1.14 M
in the convolutions, and 4 · 4 · 256 · 256 = 1.05 M in the first dense layer.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

DEFAULT = "2"
VARIANTS = {depth: f"Conv-{depth} on CIFAR-10" for depth in ("2", "4", "6")}

# The paper's counts for each network: all weights, and those in convolutions.
PAPER = {
    "2": {"weights": "4.3M", "convolutions": "38K"},
    "4": {"weights": "2.4M", "convolutions": "260K"},
    "6": {
        "weights": "1.7M",
        "convolutions": "1.1M",
        "note": "the layers that the paper lists don't add up to the 1.7M it states",
    },
}

# By depth: learning rate, iterations, and the pruning rate of convolutions.
TRAINING = {"2": (2e-4, "20000it", 0.1), "4": (3e-4, "25000it", 0.1), "6": (3e-4, "30000it", 0.15)}

# By depth: points above the dense network, or speed-up over it, and at which sparsity.
BETTER = {
    "2": (3.4, "4.6 %", (0.037, 0.057)),
    "4": (3.5, "11.1 %", (0.089, 0.139)),
    "6": (3.3, "26.4 %", (0.211, 0.33)),
}
FASTER = {
    "2": (3.5, "8.8 %", (0.07, 0.11)),
    "4": (3.5, "9.2 %", (0.074, 0.115)),
    "6": (2.5, "15.1 %", (0.121, 0.189)),
}

PAPER_NAME = "Frankle & Carbin 2019 (1803.03635)"


def claims(depth: str) -> tuple[dict[str, object], ...]:
    """Returns the paper's claims about one network, as comparisons of this experiment."""
    points, best_at, best_range = BETTER[depth]
    times, fast_at, fast_range = FASTER[depth]
    return (
        {"says": f"Conv-{depth} tickets beat the dense network at {best_at} remaining "
                 f"(by {points} points).",
         "source": f"{PAPER_NAME}, section 3", "compare": "winning > dense by 0.005",
         "remaining": best_range},
        {"says": "Tickets stay above the dense network down to 2 % remaining.",
         "source": f"{PAPER_NAME}, section 3", "compare": "winning > dense",
         "remaining": (0.02, 0.6)},
        {"says": f"Conv-{depth} tickets learn faster than the dense network "
                 f"at {fast_at} remaining ({times} times as fast).",
         "source": f"{PAPER_NAME}, section 3", "compare": "winning > dense",
         "field": "best_step", "remaining": fast_range},
        {"says": "Tickets beat their reinitialized controls.",
         "source": f"{PAPER_NAME}, figure 5", "compare": "winning > reinit",
         "remaining": (0.0, 0.5)},
    )  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment: what differs from `frankle2019/lenet_mnist`."""
    learning_rate, length, conv_rate = TRAINING[argument]
    config = presets.load("frankle2019/lenet_mnist")
    config.name = f"conv{argument}_cifar10"  # ours

    config.data.name = "cifar10"  # F&C 2019, figure 2
    config.model = {}
    config.model.name = f"conv{argument}"  # F&C 2019, figure 2
    config.model.dropout = 0.0  # F&C 2019; 0.5 in its section on dropout

    config.optimizer.learning_rate = learning_rate  # F&C 2019, figure 2
    config.train.length = length  # F&C 2019, figure 2

    config.prune.rates.conv = conv_rate  # F&C 2019, figure 2
    config.prune.rates.output = 0.1  # Zhou et al. 2019: half the rate

    config.arms = ("winning", "reinit")  # F&C 2019
    config.claims = claims(argument)
    return config
