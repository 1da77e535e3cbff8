"""The kinds of data that `fit` takes, and callbacks that note their hooks."""

import keras
import numpy as np


class Calls(keras.callbacks.Callback):
    """Notes each hook with its epoch or batch and the names of its logs.

    Args:
        stop: the hook, and its epoch or batch, at which training is stopped.
    """

    def __init__(self, *stop):
        super().__init__()
        self.calls = []
        self.stop = stop

    def note(self, hook, *index, logs):
        self.calls.append((hook, *index, *sorted(logs or {})))
        if (hook, *index) == self.stop:
            self.model.stop_training = True

    def on_train_begin(self, logs=None):
        self.note("train begins", logs=None)

    def on_train_end(self, logs=None):
        self.note("train ends", logs=None)  # backends differ in whether there are logs

    def on_epoch_begin(self, epoch, logs=None):
        self.note("epoch begins", epoch, logs=logs)

    def on_epoch_end(self, epoch, logs=None):
        self.note("epoch ends", epoch, logs=logs)

    def on_train_batch_begin(self, batch, logs=None):
        self.note("batch begins", batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        self.note("batch ends", batch, logs=logs)

    def on_test_begin(self, logs=None):
        self.note("test begins", logs=logs)

    def on_test_end(self, logs=None):
        self.note("test ends", logs=logs)


class BatchesOfTests(Calls):
    """Notes the batches of evaluation, too."""

    def on_test_batch_begin(self, batch, logs=None):
        self.note("test batch begins", batch, logs=logs)

    def on_test_batch_end(self, batch, logs=None):
        self.note("test batch ends", batch, logs=logs)


class Batches(keras.utils.PyDataset):
    """Batches of arrays in their order."""

    def __init__(self, *arrays, size=8, **settings):
        super().__init__(**settings)
        self.arrays, self.size = arrays, size

    def __len__(self):
        return int(np.ceil(len(self.arrays[0]) / self.size))

    def __getitem__(self, index):
        return tuple(a[index * self.size : (index + 1) * self.size] for a in self.arrays)


def tf_data(*arrays):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(arrays).batch(8)


def generator(*arrays):
    while True:
        yield from (Batches(*arrays)[i] for i in range(len(arrays[0]) // 8))
