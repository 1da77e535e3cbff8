"""Tickets rewound to initialization, and to a step early in training.

Frankle, Dziugaite, Roy & Carbin 2020, "Linear mode connectivity and the lottery ticket hypothesis"
(arXiv 1912.05671), after "Stabilizing the lottery ticket hypothesis" (arXiv 1903.01611) by the same
authors. At a high learning rate without warm-up, residual networks have tickets only if they are
rewound to a step from which training is stable to the order of the data; that step is measured by
`frankle2020/instability`, with the same networks.

The arm `winning` is rewound to step k, `winning_init` to initialization; each prunes what it has
trained itself. The controls have the masks of `winning`: with fresh weights (`reinit`), and
shuffled within layers, over the weights that `winning` starts from (`random_mask_layer`, as in the
authors' code) and over fresh ones (`permuted_layer`).
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

DEFAULT = "resnet8_cifar10"
VARIANTS = {
    "resnet8_cifar10": "Late rewinding of ResNet-8 on small images of CIFAR-10, for two CPU cores",
    "resnet20_cifar10": "Late rewinding of ResNet-20 on CIFAR-10",
}

PAPER_NAME = "Frankle et al. 2020 (1912.05671)"

# The paper's claims about ResNet-20, as comparisons of this experiment. The margins are ours.
CLAIMS = (
    {"says": "Rewound to a step early in training, tickets are better than rewound to "
             "initialization.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning > winning_init by 0.01",
     "remaining": (0.0, 0.2)},
    {"says": "Rewound to that step, tickets are as good as the dense network.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning >= dense within 0.01",
     "remaining": (0.1, 0.8)},
    {"says": "Rewound to initialization, tickets are worse than the dense network.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning_init < dense by 0.01",
     "remaining": (0.0, 0.2)},
    {"says": "Rewound to initialization, tickets are no better than with fresh weights.",
     "source": f"{PAPER_NAME}, section 4", "compare": "reinit >= winning_init within 0.01",
     "remaining": (0.0, 0.2)},
    {"says": "Rewound to initialization, tickets are no better than randomly pruned networks.",
     "source": f"{PAPER_NAME}, section 4", "compare": "permuted_layer >= winning_init within 0.01",
     "remaining": (0.0, 0.2)},
    {"says": "Rewound to that step, tickets are better than randomly pruned networks.",
     "source": f"{PAPER_NAME}, section 4", "compare": "winning > random_mask_layer by 0.01",
     "remaining": (0.0, 0.2)},
)  # fmt: skip


def get_config(argument: str = DEFAULT) -> ConfigDict:
    """Returns the experiment: what differs from `frankle2020/instability` of the same network."""
    config = presets.load(f"frankle2020/instability:{argument}")
    config.name = f"late_rewinding_{argument}"  # ours
    config.study = "tickets"  # Frankle 2020
    del config.options

    config.rewind.to = "500it"  # Frankle 2020: sparse networks of ResNet-20 are stable from there
    config.arms = ("winning", "winning_init", "reinit", "random_mask_layer")  # Frankle 2020
    config.arms += ("permuted_layer",)  # ours: to compare with `winning_init`
    config.report = {"sparse": 0.2}  # ours
    config.claims = CLAIMS

    if argument == "resnet8_cifar10":
        config.prune.rounds = 4  # ours: 6.25 % remaining
        # The controls where late rewinding matters.
        controls = ("reinit", "random_mask_layer", "permuted_layer")
        config.prune.arm_rounds = dict.fromkeys(controls, (3, 4))  # ours
        config.rewind.to = "200it"  # ours: 5 % of training
    return config
