"""Pruning a Keras model: from its weights to its masks in one call."""

from collections.abc import Callable, Mapping
from typing import Any

import keras

from keras_lottery import checks, pruning
from keras_lottery.errors import LotteryError
from keras_lottery.masking import arguments, state
from keras_lottery.masking.attach import mask
from keras_lottery.masking.derive import derive
from keras_lottery.masking.describe import describe
from keras_lottery.masking.summary import Summary, masked_infos, summarize
from keras_lottery.types import MaskSet, VariableInfo, Weights

__all__ = ["prune"]


def prune(
    model: keras.Model,
    sparsity: float = 0.9,
    criterion: str = "magnitude",
    scope: str = "global",
    data: tuple[Any, Any] | None = None,
    dry_run: bool = False,
    initial: Weights | None = None,
    seed: int = 0,
) -> Summary:
    """Prunes a model to a sparsity, and returns what is kept of each variable.

    A model without masks is masked first, with the defaults of `mask`. Exactly
    floor(sparsity × prunable) weights are pruned in all, those pruned before included.

    Args:
        model: a built model.
        sparsity: fraction removed of the prunable weights, in [0, 1].
        criterion: name of a registered criterion.
        scope: name of a registered allocation: `global`, `layer`, `uniform`, `erk`.
        data: (x, y) for criteria that need derivatives of the loss; the model must be compiled
            then. `synflow` looks at the shape of one example only.
        dry_run: only say what would be kept; the model stays as it is.
        initial: weights by path that training started from, for criteria that need them.
        seed: for criteria that draw.

    Raises:
        LotteryError: a weight is NaN or infinite, the model is sparser already, a name is not
            known, or the criterion needs what is not given.

    Example:
        >>> print(prune(model, sparsity=0.9))
    """
    arguments.maskable_model(model)
    sparsity, seed = checks.fraction(sparsity, "sparsity"), checks.seed(seed)
    dry_run = checks.truth(dry_run, "dry_run")
    _ = pruning.criteria[criterion], pruning.allocations[scope]
    if initial is not None:
        checks.instance(initial, Mapping, "initial")  # type: ignore[type-abstract]
    infos, masks = _what(model)
    weights = state.get_weights(model)
    checks.finite_weights(weights, [info.path for info in infos if info.prunable])
    if not state.is_masked(model) and not dry_run:
        mask(model)
        infos, masks = _what(model)
    pruned = pruning.prune_to(
        weights,
        masks,
        infos,
        sparsity,
        criterion=criterion,
        scope=scope,
        derive=_derive(model, criterion, data, seed),
        initial=initial,
        seed=seed,
    )
    if not dry_run:
        state.set_masks(model, pruned)
    return summarize(infos, pruned)


def _what(model: keras.Model) -> tuple[list[VariableInfo], MaskSet]:
    """Returns the variables with what can be pruned marked, and the masks that there are."""
    if state.is_masked(model):
        return masked_infos(model)
    return describe(model), {}


def _derive(
    model: keras.Model, criterion: str, data: Any, seed: int
) -> Callable[[str, MaskSet], Weights]:
    """Returns what gives the criterion the derivatives that it needs."""
    derived = pruning.criteria[criterion].derived
    if derived and not (isinstance(data, tuple | list) and len(data) == 2):
        raise LotteryError(
            f"Expected data=(x, y) for the criterion {criterion!r}, which needs the "
            f"{', '.join(sorted(derived))}. Received: {type(data).__name__}. "
            "Pass some examples with their targets."
        )
    return lambda name, masks: derive(name, model, *data, masks=masks, seed=seed)
