"""Edge-popup: of every layer the weights with the highest scores, which alone are trained."""

from dataclasses import replace

from keras_lottery import pruning
from keras_lottery.arms import chain, untrained
from keras_lottery.types import MaskSet, RunView, Start, Training


class EdgePopup:
    """Trains scores over random weights, and keeps of each layer as many as the rounds do.

    Where the config prunes globally, every layer keeps the same fraction (of its pool), since
    edge-popup chooses within a layer.

    Args:
        name: name of the arm.
        signed: random signs times √(2 / fan_in) instead of normal values of that deviation.

    Reference: Ramanujan et al. 2020 (1911.13299), sections 3 and 4.
    """

    iterative = False
    stochastic = False

    def __init__(self, name: str, signed: bool = False) -> None:
        self.name = name
        self._signed = signed

    def parents(self, training: Training) -> tuple[Training, ...]:
        return ()

    def start(self, training: Training, run: RunView) -> Start:
        masks = _counts(training, run)
        weights = untrained.kaiming(run.task.start_weights(training.seed), masks, self._signed)
        scaled = "_scaled" if run.config.edge_popup.scale else ""
        return Start(
            weights,
            masks,
            seed=chain.own_seed(training),
            parametrization=f"edge_popup{scaled}",
        )


def _counts(training: Training, run: RunView) -> MaskSet:
    """Returns masks that say how many weights of each layer are kept; which ones is learned."""
    settings = run.config.prune
    scope = "layer" if settings.scope == "global" else settings.scope
    settings = replace(settings, criterion="random", scope=scope)
    infos = run.task.variables()
    return pruning.prune_to_round({}, {}, infos, settings, training.round, seed=training.seed)


EDGE_POPUP = EdgePopup("edge_popup")
EDGE_POPUP_SIGNED = EdgePopup("edge_popup_signed", signed=True)
