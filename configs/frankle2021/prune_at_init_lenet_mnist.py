"""Pruning at initialization on LeNet-300-100 and MNIST, with its sanity controls.

The controls are those of Frankle et al. 2021, "Pruning neural networks at initialization: why are
we missing the mark?" (arXiv 2009.08576): the mask shuffled within layers, and weights
re-initialized under the same mask. A third control is ours: the mask shuffled within each input, so
that every pixel keeps as many weights. It tells whether a mask's advantage over a shuffled one is
that it leaves out pixels that are always black. Network and training are as in
`frankle2019/lenet_mnist`.
"""

from ml_collections import ConfigDict

from keras_lottery.config import presets

CONTROLS = ("", "_shuffled", "_shuffled_per_input", "_reinit")
METHODS = ("magnitude", "random", "snip", "grasp", "synflow")
PAPER_NAME = "Frankle et al. 2021 (2009.08576)"


def claims(name: str, method: str) -> tuple[dict[str, object], ...]:
    """Returns the paper's claims about one method, as comparisons of this experiment."""
    return (
        {"says": f"Shuffling the mask of {name} within layers does no harm.",
         "source": f"{PAPER_NAME}, section 5",
         "compare": f"init_{method}_shuffled >= init_{method} within 0.002",
         "remaining": (0.0, 0.5)},
        {"says": f"Fresh weights under the mask of {name} do no harm.",
         "source": f"{PAPER_NAME}, section 5",
         "compare": f"init_{method}_reinit >= init_{method} within 0.002",
         "remaining": (0.0, 0.5)},
        {"says": f"Magnitude pruning after training is better than {name}.",
         "source": f"{PAPER_NAME}, section 4", "compare": f"winning > init_{method}",
         "remaining": (0.0, 0.5)},
        {"says": f"{name} is better than random pruning.",
         "source": f"{PAPER_NAME}, abstract", "compare": f"init_{method} > init_random",
         "remaining": (0.0, 0.5)},
        {"says": f"Shuffling the mask of {name} within each input does no harm.",
         "source": "ours",
         "compare": f"init_{method}_shuffled_per_input >= init_{method} within 0.002",
         "remaining": (0.0, 0.5)},
    )  # fmt: skip


def get_config() -> ConfigDict:
    """Returns the experiment: what differs from `frankle2019/lenet_mnist`."""
    config = presets.load("frankle2019/lenet_mnist")
    config.name = "prune_at_init_lenet_mnist"  # ours

    config.train.eval_every = 500  # ours
    config.train.value = "final"  # ours: every method is trained to the end

    config.prune.rounds = 5  # ours: 40, 16, 6.4, 2.6 and 1 % remaining
    config.prune.rate = 0.6  # ours
    del config.prune.rates
    config.prune.scope = "global"  # ours: the scores of each method are compared over all layers

    controls = [f"init_{m}{c}" for m in METHODS for c in CONTROLS]
    config.arms = ("winning", "one_shot", *controls)  # Frankle et al. 2021, and ours
    config.draws = 1  # ours
    named = ("SNIP", "GraSP", "SynFlow")
    config.claims = tuple(claim for name in named for claim in claims(name, name.lower()))
    return config
