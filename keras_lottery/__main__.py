"""`python -m keras_lottery` is the command `keras-lottery`."""

from keras_lottery.cli import entry_point

entry_point()
