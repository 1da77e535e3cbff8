"""Chains that are pruned by another criterion than the config's, and rewound like `winning`.

Reference: the mask criteria of Zhou et al. 2019 (1905.01067), section 3; the formulas are in
`keras_lottery.pruning.mask_criteria`. The config's own criterion is the paper's `large_final`.
"""

from dataclasses import dataclass

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


@dataclass(frozen=True)
class MaskCriterion:
    """Prunes a chain of its own by the criterion of its name."""

    name: str
    iterative: bool = True
    stochastic: bool = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = chain.pruned_once_more(training, run, criterion=self.name)
        return chain.rewound(training, run, masks, chain.previous(training))


SMALL_FINAL = MaskCriterion("small_final")
LARGE_INIT = MaskCriterion("large_init")
SMALL_INIT = MaskCriterion("small_init")
LARGE_INIT_LARGE_FINAL = MaskCriterion("large_init_large_final")
SMALL_INIT_SMALL_FINAL = MaskCriterion("small_init_small_final")
MAGNITUDE_INCREASE = MaskCriterion("magnitude_increase")
MOVEMENT = MaskCriterion("movement")
RANDOM = MaskCriterion("random")
LARGE_FINAL_SAME_SIGN = MaskCriterion("large_final_same_sign")
LARGE_FINAL_DIFF_SIGN = MaskCriterion("large_final_diff_sign")
