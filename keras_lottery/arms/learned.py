"""Learned masks: supermasks and edge-popup train a mask over weights that are never trained."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from keras_lottery import pruning
from keras_lottery.arms import starts
from keras_lottery.protocols import Arm, RunView
from keras_lottery.types import MaskSet, Start, Training, Weights


@dataclass(frozen=True)
class Supermask(Arm):
    """Trains the probabilities of a Bernoulli mask over the start weights, which are not trained.

    Its sparsity is learned, so it is trained once, independent of the rounds. The value is the mean
    over `supermask.samples` samples; the row's `kept` counts the weights whose probability is at
    least a half. This thresholded network is in the ticket and the export (metrics.csv:
    `threshold_accuracy`, and `mean_kept`, the fraction that a sample keeps on average).

    Args:
        name: name of the arm.
        signed: start from signed constants, sign(w) std(w) in each variable.
        rescaled: dynamic weight rescaling: weights times size / ones of the sample.

    Reference: Zhou et al. 2019 (1905.01067), section 5.
    """

    name: str
    signed: bool = False
    rescaled: bool = False
    once = True
    unstructured = True
    section = "supermask"

    def parents(self, training: Training) -> tuple[Training, ...]:
        return ()

    def start(self, training: Training, run: RunView) -> Start:
        weights = run.task.start_weights(training.seed)
        masks = pruning.full_masks(run.task.variables())
        if self.signed:
            weights = signed_constant(weights, masks)
        parametrization = "bernoulli_rescaled" if self.rescaled else "bernoulli"
        return Start(weights, masks, seed=starts.seed_of(training), parametrization=parametrization)


@dataclass(frozen=True)
class EdgePopup(Arm):
    """Trains scores over random weights; each layer keeps as many weights as in the same round.

    If the config prunes globally, every layer keeps the same fraction (of its pool), since
    edge-popup chooses within a layer.

    Args:
        name: name of the arm.
        signed: random signs times √(2 / fan_in) instead of normal values with that deviation.

    Reference: Ramanujan et al. 2020 (1911.13299), sections 3 and 4.
    """

    name: str
    signed: bool = False
    unstructured = True
    section = "edge_popup"

    def parents(self, training: Training) -> tuple[Training, ...]:
        return ()

    def start(self, training: Training, run: RunView) -> Start:
        masks = _counts(training, run)
        weights = kaiming(run.task.start_weights(training.seed), masks, self.signed)
        scaled = "_scaled" if run.config.edge_popup.scale else ""
        return Start(
            weights,
            masks,
            seed=starts.seed_of(training),
            parametrization=f"edge_popup{scaled}",
        )


def _counts(training: Training, run: RunView) -> MaskSet:
    """Returns masks with the right number of kept weights per layer; which ones is learned."""
    settings = run.config.prune
    scope = "layer" if settings.scope == "global" else settings.scope
    settings = replace(settings, criterion="random", scope=scope)
    infos = run.task.variables()
    return pruning.prune_to_round({}, {}, infos, settings, training.round, seed=training.seed)


ARMS: tuple[Arm, ...] = (
    Supermask("supermask"),
    Supermask("supermask_signed", signed=True),
    Supermask("supermask_rescaled", rescaled=True),
    Supermask("supermask_rescaled_signed", signed=True, rescaled=True),
    EdgePopup("edge_popup"),
    EdgePopup("edge_popup_signed", signed=True),
)


def signed_constant(weights: Weights, masks: MaskSet) -> Weights:
    """Replaces the values of each masked variable with sign(w) std(w).

    Reference: Zhou et al. 2019 (1905.01067), section 5.
    """

    def scaled(value: NDArray[Any]) -> NDArray[Any]:
        return (np.sign(value) * np.std(value)).astype(value.dtype)

    return weights | {path: scaled(weights[path]) for path in masks}


def kaiming(weights: Weights, masks: MaskSet, signed: bool) -> Weights:
    """Scales each masked variable, or its signs, to the standard deviation √(2 / fan_in).

    fan_in is the product of all axes but the last.

    Reference: Ramanujan et al. 2020 (1911.13299), section 4: Kaiming normal, signed constant.
    """

    def scaled(value: NDArray[Any]) -> NDArray[Any]:
        deviation = np.sqrt(2 / max(math.prod(value.shape[:-1]), 1))
        spread = np.sign(value) if signed else value / (np.std(value) or 1.0)
        return (spread * deviation).astype(value.dtype)

    return weights | {path: scaled(weights[path]) for path in masks}
