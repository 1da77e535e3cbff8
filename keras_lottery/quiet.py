"""Keeps TensorFlow's start-up messages off the terminal.

TensorFlow prints them while it is imported, before it reads `TF_CPP_MIN_LOG_LEVEL`, and Keras
imports TensorFlow with every backend. Everything else that is printed meanwhile is passed on.
"""

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from keras_lottery.import_hook import around_import

_NAME = "tensorflow"
_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_STDERR = 2
_MESSAGE = re.compile(
    rb"[IWE]\d{4} |WARNING: All log messages before absl|To enable the following instructions"
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: [IWE] "
)


def announce() -> None:
    """Makes TensorFlow's import quiet, unless it is imported or TF_CPP_MIN_LOG_LEVEL is 0."""
    if _NAME not in sys.modules and os.environ.setdefault(_LEVEL, "3") != "0":
        around_import(_NAME, muted)


@contextmanager
def muted() -> Iterator[None]:
    """Drops TensorFlow's messages from standard error, and passes on the other lines at the end."""
    try:
        original = os.dup(_STDERR)
    except OSError:  # a process without standard error
        yield
        return
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(original, _STDERR)
            os.close(original)
            file.seek(0)
            for line in file:
                if not _MESSAGE.match(line):
                    os.write(_STDERR, line)
