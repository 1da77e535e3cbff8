"""What practitioners call on any Keras 3 model: mask, prune, summary, strip, compact, tickets.

`mask` reads the model into an inventory, chooses variables, adds their masks, wraps the layers and
guards the optimizer (`masking`). `prune` scores what has a mask (`pruning`), with derivatives of
the loss (`training`) where the criterion asks for them.
"""

from keras_lottery.compaction import compact, compaction_report, register_compaction_rule
from keras_lottery.masking import get_masks, register_prunable, set_masks, strip
from keras_lottery.toolkit.apply_ticket import Ticket
from keras_lottery.toolkit.mask_model import mask, mask_selected
from keras_lottery.toolkit.prune_model import prune, prune_selected, summary_selected
from keras_lottery.toolkit.summarize_model import Summary, summary
from keras_lottery.toolkit.wrapper import Masked

__all__ = [
    "Masked",
    "Summary",
    "Ticket",
    "compact",
    "compaction_report",
    "get_masks",
    "mask",
    "mask_selected",
    "prune",
    "prune_selected",
    "register_compaction_rule",
    "register_prunable",
    "set_masks",
    "strip",
    "summary",
    "summary_selected",
]
