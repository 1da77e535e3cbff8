"""Training a masked network equals training the network without those weights."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit

L = keras.layers
pytestmark = pytest.mark.backend


class AbsentDense(L.Layer):
    """A dense layer whose parameters are the kept weights alone, in one vector."""

    def __init__(self, mask, activation=None):
        super().__init__()
        self.mask_ = mask
        self.activation = keras.activations.get(activation)

    def build(self, shape):
        self.kept = self.add_weight(shape=(int(self.mask_.sum()),), name="kept")
        self.bias = self.add_weight(shape=(self.mask_.shape[1],), initializer="zeros", name="bias")

    def call(self, x):
        places = np.flatnonzero(self.mask_)[:, None].astype("int32")
        flat = keras.ops.scatter(places, self.kept, (self.mask_.size,))
        kernel = keras.ops.reshape(flat, self.mask_.shape)
        return self.activation(keras.ops.matmul(x, kernel) + self.bias)


OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "global_clipnorm": lambda: keras.optimizers.SGD(0.5, momentum=0.9, global_clipnorm=0.05),
    "clipnorm": lambda: keras.optimizers.Adam(0.02, clipnorm=0.01),
    "adam": lambda: keras.optimizers.Adam(0.02),
    "adamw": lambda: keras.optimizers.AdamW(0.02, weight_decay=0.1, global_clipnorm=0.1),
    "accumulation": lambda: keras.optimizers.Adam(0.02, gradient_accumulation_steps=3),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_kept_weights_take_the_same_way(name, data, compiled, random_masks):
    x, y = data
    model = keras.Sequential([keras.Input((6,)), L.Dense(5, "tanh"), L.Dense(3)])
    toolkit.mask(model)
    masks = random_masks(model)
    masking.set_masks(model, masks)
    first, second = (masks[f"layers/{n}/kernel"] for n in ("dense", "dense_1"))
    absent = keras.Sequential([keras.Input((6,)), AbsentDense(first, "tanh"), AbsentDense(second)])
    start = masking.get_weights(model)
    for layer, place, mask in zip(absent.layers, ("dense", "dense_1"), (first, second)):
        layer.kept.assign(start[f"layers/{place}/kernel"][mask])

    losses = []
    for one in (model, absent):
        compiled(one, OPTIMIZERS[name]())
        history = one.fit(x, y, batch_size=8, epochs=6, shuffle=False, verbose=0)
        losses.append(history.history["loss"])
    np.testing.assert_allclose(*losses, rtol=1e-5)
    assert losses[0][-1] < losses[0][0] - 1e-3, "it must have learned something"

    trained = masking.get_weights(model)
    for layer, place, mask in zip(absent.layers, ("dense", "dense_1"), (first, second)):
        kernel = trained[f"layers/{place}/kernel"]
        kept = keras.ops.convert_to_numpy(layer.kept.value)
        np.testing.assert_allclose(kernel[mask], kept, rtol=1e-4, atol=1e-6)
        assert np.all(kernel[~mask] == 0)
