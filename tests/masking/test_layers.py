"""Every kind of layer computes, and learns, as if its pruned weights were zero.

The stored weights are dense here on purpose: only the mask can make them zero.
"""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.training.derivatives import derive
from tests.keras_features import needs_reversible_embedding

L = keras.layers
pytestmark = pytest.mark.backend


def attention(layer):
    inputs = keras.Input((3, 4))
    return keras.Model(inputs, layer(inputs, inputs))


def sequence(*layers, shape, dtype="float32"):
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def tied():
    inputs = keras.Input((3,), dtype="int32")
    embedding = L.ReversibleEmbedding(7, 4)
    return keras.Model(inputs, embedding(L.Dense(4)(embedding(inputs)), reverse=True))


def shared():
    inputs = keras.Input((4,))
    dense = L.Dense(4, activation="tanh")
    return keras.Model(inputs, dense(dense(inputs)))


def nested():
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, "relu")])
    inputs = keras.Input((4,))
    return keras.Model(inputs, L.Dense(2)(keras.Model(inputs, inner(inputs))(inputs)))


MODELS = {
    "dense": lambda: sequence(L.Dense(3, "tanh"), L.Dense(2), shape=(4,)),
    "einsum": lambda: sequence(L.EinsumDense("abc,cd->abd", (None, 2)), shape=(3, 4)),
    "conv": lambda: sequence(L.Conv2D(3, 3), L.Conv2DTranspose(2, 2), shape=(5, 5, 2)),
    "depthwise": lambda: sequence(L.DepthwiseConv2D(2), L.SeparableConv2D(2, 2), shape=(5, 5, 2)),
    "embedding": lambda: sequence(L.Embedding(7, 3), L.Dense(2), shape=(3,), dtype="int32"),
    "simple_rnn": lambda: sequence(L.SimpleRNN(3), shape=(4, 2)),
    "lstm": lambda: sequence(L.LSTM(3, return_sequences=True), L.LSTM(2), shape=(4, 2)),
    "gru": lambda: sequence(L.GRU(3), shape=(4, 2)),
    "cell": lambda: sequence(L.RNN([L.LSTMCell(3), L.GRUCell(2)]), shape=(4, 2)),
    "conv_lstm": lambda: sequence(L.ConvLSTM1D(2, 2), shape=(3, 5, 2)),
    "bidirectional": lambda: sequence(L.Bidirectional(L.GRU(2)), shape=(4, 2)),
    "time_distributed": lambda: sequence(L.TimeDistributed(L.Dense(2)), shape=(4, 2)),
    "attention": lambda: attention(L.MultiHeadAttention(2, 2)),
    "grouped": lambda: attention(L.GroupQueryAttention(2, 4, 2)),
    "tied": tied,
    "shared": shared,
    "nested": nested,
}


def batch(model, size=4):
    rng = np.random.default_rng(1)
    if model.inputs[0].dtype == "int32":
        return rng.integers(0, 7, (size, *model.input_shape[1:])).astype("int32")
    return rng.normal(size=(size, *model.input_shape[1:])).astype("float32")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=needs_reversible_embedding) if name == "tied" else name
        for name in MODELS
    ],
)
def test_masked_equals_zeroed(name, random_masks):
    model, zeroed = MODELS[name](), MODELS[name]()
    toolkit.mask(model, biases=True)
    weights = {p: w + 0.1 for p, w in masking.get_weights(model).items()}
    masks = random_masks(model)
    masking.set_masks(model, masks)
    masking.set_weights(model, weights)
    masking.set_weights(zeroed, {p: np.where(masks.get(p, True), w, 0) for p, w in weights.items()})
    x = batch(model)
    expected = keras.ops.convert_to_numpy(zeroed(x))
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), expected, rtol=1e-5, atol=1e-5)

    for one in (model, zeroed):
        one.compile("sgd", "mse")
    found = derive("gradient", model, x, np.ones_like(expected))
    wanted = derive("gradient", zeroed, x, np.ones_like(expected))
    for path, mask in masks.items():
        assert np.all(found[path][~mask] == 0), path
        np.testing.assert_allclose(found[path][mask], wanted[path][mask], rtol=1e-4, atol=1e-5)
        assert np.any(wanted[path][~mask] != 0) or mask.all(), "the comparison must be able to fail"


def test_the_layers_themselves_are_masked_not_only_the_model(random_masks):
    model = toolkit.mask(sequence(L.Dense(3), shape=(4,)))
    masks = random_masks(model)
    masking.set_masks(model, masks)
    dense = np.ones((4, 3), "float32")
    bias = np.zeros(3, "float32")
    masking.set_weights(model, {"layers/dense/kernel": dense, "layers/dense/bias": bias})
    x = np.ones((1, 4), "float32")
    expected = masks["layers/dense/kernel"].sum(0)[None]
    assert np.array_equal(keras.ops.convert_to_numpy(model.layers[0](x)), expected)


def test_a_tied_weight_read_by_another_layer_is_masked(random_masks):
    class Head(L.Layer):
        def __init__(self, embedding):
            super().__init__()
            self.embedding = embedding

        def call(self, x):
            return keras.ops.matmul(x, keras.ops.transpose(self.embedding.embeddings))

    inputs = keras.Input((2,), dtype="int32")
    embedding = L.Embedding(5, 3)
    model = toolkit.mask(keras.Model(inputs, Head(embedding)(L.Dense(3)(embedding(inputs)))))
    masks = random_masks(model)
    masking.set_masks(model, masks)
    weights = {p: np.ones_like(w) for p, w in masking.get_weights(model).items()}
    masking.set_weights(model, weights)
    used = masking.effective_weights(model)
    table, kernel = used["layers/embedding/embeddings"], used["layers/dense/kernel"]
    x = np.array([[0, 3]], "int32")
    expected = (table[x] @ kernel + used["layers/dense/bias"]) @ table.T
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-6)


def test_states_move_and_losses_arrive_as_without_masks():
    def make():
        keras.utils.set_random_seed(3)
        return sequence(
            L.Dense(4, activity_regularizer="l2", kernel_regularizer="l2"),
            L.BatchNormalization(),
            L.Dropout(0.5),
            L.Dense(2),
            shape=(4,),
        )

    plain, model = make(), toolkit.mask(make())
    x = np.random.default_rng(0).normal(size=(8, 4)).astype("float32")
    for one in (plain, model):
        one(x, training=True)
    assert len(model.losses) == len(plain.losses) == 2
    ours, theirs = (
        [keras.ops.convert_to_numpy(loss) for loss in one.losses] for one in (model, plain)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)
    weights = masking.get_weights(plain)
    assert np.any(weights["layers/batch_normalization/moving_mean"] != 0)
    for path, value in masking.get_weights(model).items():
        np.testing.assert_allclose(value, weights[path], rtol=1e-6)
    seeds = masking.seed_generators(plain)
    for path, variable in masking.seed_generators(model).items():
        assert np.array_equal(
            keras.ops.convert_to_numpy(variable.value),
            keras.ops.convert_to_numpy(seeds[path].value),
        )


def test_a_recurrent_layer_with_dropout_can_be_called_directly():
    # On JAX the seed is a tracer inside the scan, which must not reach the variable.
    model = toolkit.mask(sequence(L.LSTM(2, dropout=0.5, recurrent_dropout=0.5), shape=(4, 2)))
    x = np.ones((2, 4, 2), "float32")
    first = keras.ops.convert_to_numpy(model(x, training=True))
    second = keras.ops.convert_to_numpy(model(x, training=True))
    assert first.shape == second.shape == (2, 2)


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_a_pruned_weight_that_is_not_finite_is_still_zero(value, random_masks):
    model = toolkit.mask(sequence(L.Dense(3, use_bias=False), shape=(4,)))
    masks = random_masks(model)
    masking.set_masks(model, masks)
    kernel = np.where(masks["layers/dense/kernel"], 1.0, value).astype("float32")
    masking.set_weights(model, {"layers/dense/kernel": kernel})
    out = model.predict(np.ones((1, 4), "float32"), verbose=0)
    assert np.array_equal(out, masks["layers/dense/kernel"].sum(0)[None])
    masking.set_masks(model, masks)
    stored = masking.get_weights(model)["layers/dense/kernel"]
    assert np.array_equal(stored, masks["layers/dense/kernel"].astype("float32"))


def test_mixed_precision_computes_in_half_and_stores_in_full(random_masks):
    model = sequence(L.Dense(3, dtype="mixed_bfloat16"), shape=(4,))
    toolkit.mask(model)
    masking.set_masks(model, random_masks(model))
    assert keras.backend.standardize_dtype(model(np.ones((1, 4))).dtype) == "bfloat16"
    assert masking.get_weights(model)["layers/dense/kernel"].dtype == np.float32
