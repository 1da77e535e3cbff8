"""An arm: the ticket's mask and initial magnitudes, with random signs.

Zhou et al. 2019 (1905.01067) find that the signs of the initial weights are what a ticket needs.
This control keeps everything else.

keras-lottery run --import=own_arm.py --config=quickstart --config.name=signs \
  --config.arms=winning,random_signs
"""

from dataclasses import replace

from keras_lottery.arms import arms, starts
from keras_lottery.protocols import RunView
from keras_lottery.types import Start, Training


class RandomSigns(starts.TicketControl):
    """The winning ticket of the same seed and round, with a random sign for each weight.

    `TicketControl` provides the rest: it waits for the ticket, and is trained `config.draws` times.
    """

    name = "random_signs"

    def start(self, training: Training, run: RunView) -> Start:
        """Returns the network to train, from the finished ticket."""
        ticket = run.start_of(starts.winning_of(training))
        rng = starts.generator(training)  # seeded by seed, round, arm and draw
        weights = dict(ticket.weights)
        for path in sorted(ticket.masks):
            signs = rng.choice((-1, 1), size=weights[path].shape)
            weights[path] = weights[path] * signs.astype(weights[path].dtype)
        # The optimizer slots of the rewind point belong to other weights: leave them out.
        return replace(ticket, weights=weights, state=None, seed=starts.seed_of(training))


arms.add("random_signs", RandomSigns())
