"""A criterion: LAMP, magnitude relative to the larger weights of the same variable.

score(u) = W[u]² / Σ W[v]² over the surviving v with |W[v]| ≥ |W[u]|

Reference: Lee et al. 2021, "Layer-adaptive sparsity for the magnitude-based pruning", 2010.07611.

keras-lottery run --import=own_criterion.py --config=quickstart --config.name=lamp \
  --config.prune.criterion=lamp
"""

import numpy as np

from keras_lottery.pruning import Score, criterion
from keras_lottery.pruning.criteria import Inputs


@criterion("lamp", needs=("final",), single=True)
def lamp(inputs: Inputs) -> Score:
    """Returns the score of every weight; the lowest are pruned first, over all variables."""
    squares = np.square(np.where(inputs.mask, inputs.final, 0).astype(np.float64)).ravel()
    order = np.argsort(squares, kind="stable")
    ranked = squares[order]
    larger = np.cumsum(ranked[::-1])[::-1]  # of each weight and all that are larger
    scores = np.zeros_like(squares)
    scores[order] = np.divide(ranked, larger, out=np.zeros_like(ranked), where=larger > 0)
    return Score(scores.reshape(inputs.final.shape))
