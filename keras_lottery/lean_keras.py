"""Imports Keras without the packages that training doesn't use: half of its import time.

Keras imports pandas, Matplotlib, OpenCV and scikit-learn (with SciPy's statistics) for input from
pandas, its wrappers and its visualization. In the command's own processes, these parts of Keras
load on first use.
"""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from keras_lottery.import_hook import around_import, on_first_use

_PARTS = frozenset({
    "keras.visualization",
    "keras.src.visualization",
    "keras.wrappers",
    "keras.src.trainers.data_adapters.array_slicing",
})  # fmt: skip


def announce() -> None:
    """Delays these parts until first use, unless Keras is imported or this was called before.

    A version of Keras without one of them imports as usual.
    """
    if "keras" not in sys.modules and on_first_use(_PARTS):
        around_import("keras", _uncollected)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps the garbage collector off the imported objects, which live as long as the process."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
