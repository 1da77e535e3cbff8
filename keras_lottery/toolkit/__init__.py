"""Functions for any Keras 3 model: mask, prune, summary, strip, compact, tickets.

`mask` reads the model into an inventory, chooses variables, adds their masks, swaps the layers'
classes and guards the optimizer (`masking`). `prune` scores masked variables (`pruning`), with
derivatives of the loss (`training`) if the criterion needs them.
"""

from keras_lottery.compaction import compact, compaction_report, register_compaction_rule
from keras_lottery.masking import get_masks, register_prunable, set_masks, strip
from keras_lottery.toolkit.apply_ticket import Ticket
from keras_lottery.toolkit.calibrated import SparseGPTConfig, WandaConfig, prune_calibrated
from keras_lottery.toolkit.mask_model import mask, mask_selected
from keras_lottery.toolkit.prune_model import counts_selected, prune, prune_selected
from keras_lottery.toolkit.selection import describe_selected
from keras_lottery.toolkit.sensitivity import Sensitivity, sensitivity
from keras_lottery.toolkit.summarize_model import summary
from keras_lottery.toolkit.summary_table import Summary
from keras_lottery.toolkit.target import Target
from keras_lottery.toolkit.wrapper import Masked
from keras_lottery.training.batch_norm import reestimate_batch_norm

__all__ = [
    "Masked",
    "Sensitivity",
    "SparseGPTConfig",
    "Summary",
    "Target",
    "Ticket",
    "WandaConfig",
    "compact",
    "compaction_report",
    "counts_selected",
    "describe_selected",
    "get_masks",
    "mask",
    "mask_selected",
    "prune",
    "prune_calibrated",
    "prune_selected",
    "reestimate_batch_norm",
    "register_compaction_rule",
    "register_prunable",
    "sensitivity",
    "set_masks",
    "strip",
    "summary",
]
