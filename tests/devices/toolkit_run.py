"""Trains a pruned network with `kl.fit`, and searches a ticket, on several virtual CPU devices."""

import json

from tests.devices.virtual import DISTRIBUTION  # isort: skip, before the backend starts

import keras

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.backend import distribution
from tests.training import made

SETTINGS = {"batch_size": 20, "shuffle": False, "verbose": 0}


class Placed(keras.callbacks.Callback):
    """Notes which kinds of variables the network has that a search trains."""

    def on_train_end(self, logs=None):
        self.kinds = {type(v.value).__name__ for v in self.model.variables}


def main():
    x, y = made.blobs(examples=120)
    placed = Placed()
    with distribution.make(DISTRIBUTION).scope():
        model = made.compiled(made.network(), keras.optimizers.Adafactor(0.01))
        kl.prune(model, 0.5, pattern="channels")
        history = kl.fit(model, x, y, epochs=2, validation_data=(x, y), **SETTINGS)
        dense = made.compiled(made.network())
        search = kl.TicketSearch(rounds=1, rate=0.5, rewind_to="3it", verbose=False)
        found = search.fit(dense, x, y, epochs=2, callbacks=[placed], **SETTINGS)
    weights, masks = masking.get_weights(model), masking.get_masks(model)
    print(
        json.dumps(
            {
                "losses": [*history.history["loss"], *history.history["val_loss"]],
                "values": [found.values()[0], found.values()[1]],
                "zero": all(not weights[path][~mask].any() for path, mask in masks.items()),
                "pruned": kl.summary(model).sparsity,
                "kinds": sorted(placed.kinds),
            }
        )
    )


main()
