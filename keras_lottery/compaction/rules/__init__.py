"""One small rule per type of layer or operation; importing this package registers them."""

from keras_lottery.compaction.rules import (
    attention,
    convolution,
    dense,
    elementwise,
    normalization,
    operations,
    pooling,
    recurrent,
    shape,
    wrappers,
)

__all__ = [
    "attention",
    "convolution",
    "dense",
    "elementwise",
    "normalization",
    "operations",
    "pooling",
    "recurrent",
    "shape",
    "wrappers",
]
