"""Chains that are pruned like `winning`, and trained on in another way than by its rewinding.

With them beside `winning` one experiment compares the three of Renda et al. 2020 (2003.02389).
Under a constant learning rate the two do the same but for their optimizer steps, since they keep
the trained weights and differ in the learning rate alone.
"""

from dataclasses import dataclass

from keras_lottery.arms import chain
from keras_lottery.types import RunView, Start, Training


@dataclass(frozen=True)
class Retrained:
    """Prunes a chain of its own, and trains on in a mode of its own from `rewind.to`.

    Args:
        name: of the arm.
        mode: as `rewind.mode`: `learning_rate` replays the learning rates from `rewind.to` on;
            `fine_tune` goes on with the last one, for as many steps.
    """

    name: str
    mode: str
    iterative: bool = True
    stochastic: bool = False

    def parents(self, training: Training) -> tuple[Training, ...]:
        return (chain.previous(training),)

    def start(self, training: Training, run: RunView) -> Start:
        masks = chain.pruned_once_more(training, run)
        return chain.rewound(training, run, masks, chain.previous(training), mode=self.mode)


LEARNING_RATE_REWIND = Retrained("learning_rate_rewind", "learning_rate")
FINE_TUNE = Retrained("fine_tune", "fine_tune")
