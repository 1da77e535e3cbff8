"""Pruning: criteria, allocations, schedules and the exact cut. NumPy only."""

import keras_lottery.pruning.channels as _channels  # noqa: F401  registers the pattern
import keras_lottery.pruning.mask_criteria as _mask_criteria  # noqa: F401
import keras_lottery.pruning.n_of_m as _n_of_m  # noqa: F401
from keras_lottery.pruning.allocation import allocations
from keras_lottery.pruning.connectivity import connected
from keras_lottery.pruning.counts import complete_masks, densities, full_masks, kept, sparsity
from keras_lottery.pruning.criteria import Criterion, Inputs, criteria, criterion
from keras_lottery.pruning.patterns import (
    Layout,
    check_choices,
    check_exact_pattern,
    check_pattern,
    layout_of,
    needs_channels,
    patterns,
)
from keras_lottery.pruning.permute import (
    alike_layers,
    input_axes,
    permute_alike,
    permute_global,
    permute_kept_values,
    permute_layer,
    permute_slices,
    word_axes,
)
from keras_lottery.pruning.prune import (
    kept_after,
    prune_round,
    prune_to,
    prune_to_cost,
    prune_to_count,
    prune_to_round,
)
from keras_lottery.pruning.schedules import CubicSchedule, schedules
from keras_lottery.pruning.spectrum import Gap, Spectrum, window
from keras_lottery.pruning.topk import Score, Search, cut

__all__ = [
    "Criterion",
    "CubicSchedule",
    "Gap",
    "Inputs",
    "Layout",
    "Score",
    "Search",
    "Spectrum",
    "alike_layers",
    "allocations",
    "check_choices",
    "check_exact_pattern",
    "check_pattern",
    "complete_masks",
    "connected",
    "criteria",
    "criterion",
    "cut",
    "densities",
    "full_masks",
    "input_axes",
    "kept",
    "kept_after",
    "layout_of",
    "needs_channels",
    "patterns",
    "permute_alike",
    "permute_global",
    "permute_kept_values",
    "permute_layer",
    "permute_slices",
    "prune_round",
    "prune_to",
    "prune_to_cost",
    "prune_to_count",
    "prune_to_round",
    "schedules",
    "sparsity",
    "window",
    "word_axes",
]
