"""States are carried as a stateful Keras LSTM carries them, and are nobody else's business."""

import dataclasses
from types import SimpleNamespace

import keras
import numpy as np
import pytest

from keras_lottery import masking
from keras_lottery.arms import starts
from keras_lottery.backend.distribution import Distribution
from keras_lottery.errors import LotteryError
from keras_lottery.pruning import prune_round
from keras_lottery.training.compilation import choose_compilation
from keras_lottery.types import Start, Training

from .made_text import STEPS, STREAMS, WORDS, Silent, config, corpus, task

pytestmark = pytest.mark.backend

RATES = {"learning_rate": 0.03, "epsilon": 1e-5}
DENSE = Training("", "language_modeling", 0, 0, "dense")
WINNING = Training("", "language_modeling", 0, 1, "winning")


class Embedding(keras.layers.Embedding):
    """With a dense gradient: Keras' Adam on TensorFlow squares that of a word that comes twice in
    a batch before it is summed."""

    def call(self, inputs):
        return keras.ops.matmul(keras.ops.one_hot(inputs, self.input_dim), self.embeddings)


class Plain:
    """Keras' own layers, trained window by window with states that the loop hands on.

    Not `stateful=True`: on JAX Keras' train_step loses those states.
    """

    def __init__(self, weights):
        layers, units = keras.layers, 6
        tokens = keras.Input((STEPS,), dtype="int32")
        given = [keras.Input((units,)) for _ in range(4)]
        x, left = Embedding(WORDS, units)(tokens), []
        for pair in (given[:2], given[2:]):
            lstm = layers.LSTM(units, return_sequences=True, return_state=True)
            x, *states = lstm(x, initial_state=pair)
            left += states
        self.model = keras.Model([tokens, *given], layers.Dense(WORDS)(x))
        self.left = keras.Model([tokens, *given], left)
        self.model.compile(
            keras.optimizers.Adam(**RATES),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        for path, variable in masking.variables(self.model).items():
            variable.assign(weights[path])

    def begin(self):
        self.states = [np.zeros((STREAMS, 6), "float32")] * 4

    def train(self, tokens, labels):
        inputs = [tokens, *self.states]
        self.states = self.left.predict_on_batch(inputs)
        loss = self.model.train_on_batch(inputs, labels)
        self.model.reset_metrics()
        return float(loss)

    def logits(self, tokens):
        inputs = [tokens, *self.states]
        self.states = self.left.predict_on_batch(inputs)
        return self.model.predict_on_batch(inputs).astype(np.float64)


def test_training_and_measuring_equal_a_plain_loop_of_keras_layers():
    one = task()
    start = Start(one.start_weights(0))
    outcome = one.fit(DENSE, start, Silent())
    assert outcome.steps == 56 and one.steps("1ep") == 7

    plain = Plain(start.weights)
    x, y = one.arrays().train
    losses = []
    for step in range(56):
        if step % 7 == 0:
            plain.begin()
        rows = slice(step % 7 * STREAMS, step % 7 * STREAMS + STREAMS)
        losses.append(plain.train(x["tokens"][rows], y[rows]))
    # Validated every 3 steps, in the middle of epochs: that leaves the training alone.
    found = {int(row["step"]): row["loss"] for row in outcome.history}
    assert found[3] == pytest.approx(np.mean(losses[:3]), rel=1e-4)
    assert found[54] == pytest.approx(np.mean(losses[51:54]), rel=1e-3)
    assert np.mean(losses[49:]) < np.mean(losses[:7]) - 0.3
    for path, variable in masking.variables(plain.model).items():
        value = keras.ops.convert_to_numpy(variable.value)
        np.testing.assert_allclose(outcome.weights[path], value, atol=1e-3)

    plain.begin()
    x, y, weights = one.arrays().test
    total = 0.0
    for at in range(0, len(y), STREAMS):
        rows = slice(at, at + STREAMS)
        logits = plain.logits(x["tokens"][rows])
        own = np.take_along_axis(logits, y[rows][..., None], -1)[..., 0]
        total += (np.log(np.exp(logits).sum(-1)) - own)[weights[rows] > 0].sum()
    assert outcome.final_value == pytest.approx(total / (len(one.corpus.test) - 1), rel=1e-3)
    assert outcome.final_value == outcome.metrics["test_loss"]


def test_a_rewind_into_an_epoch_continues_bit_for_bit():
    one = task(rewind={"to": "10it"}, model={"dropout": 0.3})
    first = one.fit(DENSE, Start(one.start_weights(0)), Silent())
    state = first.rewind
    carried = [name for name in state if name.startswith("carried/")]
    assert len(carried) == 4 and all(state[name].any() for name in carried)
    rewound = starts.from_state(WINNING, SimpleNamespace(config=one.config), full(one), state)
    again = one.fit(WINNING, rewound, Silent())
    for path, value in first.weights.items():
        np.testing.assert_array_equal(value, again.weights[path])
    # In another order of the data, what was carried is no other place's.
    restarted = task(rewind={"to": "10it", "data_order": "restart"})
    view = SimpleNamespace(config=restarted.config)
    bare = starts.from_state(WINNING, view, full(one), state).state
    assert bare.keys() == {name for name in rewound.state if not name.startswith("carried/")}
    other = one.fit(WINNING, dataclasses.replace(rewound, state=bare), Silent())
    assert any((other.weights[p] != v).any() for p, v in first.weights.items())
    repeated = one.fit(WINNING, dataclasses.replace(rewound, state=bare), Silent())
    assert all((other.weights[p] == v).all() for p, v in repeated.weights.items())


def full(one):
    return {v.path: np.ones(v.shape, bool) for v in one.variables() if v.prunable}


def test_every_weight_is_pruned_and_carried_states_are_not_weights():
    one = task()
    variables = one.variables()
    assert all(v.prunable for v in variables)
    lstm = 4 * 6 * (6 + 6 + 1)
    assert sum(v.size for v in variables) == WORDS * 6 + 2 * lstm + 7 * WORDS
    assert {v.path for v in variables} == set(one.start_weights(0))
    tied = task(model={"tied": True}).variables()
    assert sum(v.size for v in tied) == WORDS * 6 + 2 * lstm


def test_tied_weights_need_a_keras_that_can_tie_them(monkeypatch):
    monkeypatch.delattr(keras.layers, "ReversibleEmbedding", raising=False)
    with pytest.raises(LotteryError, match=r"Expected Keras 3\.12.*model\.tied=False"):
        task(model={"tied": True}).variables()


@pytest.mark.parametrize("tied", [False, True])
def test_pruned_biases_and_words_stay_zero_and_the_plain_model_says_the_same(tied):
    one = task(model={"tied": tied})
    start = one.start_weights(0)
    trained = one.fit(DENSE, Start(start), Silent()).weights
    masks = prune_round(trained, {}, one.variables(), one.config.prune, 1, seed=0)
    outcome = one.fit(WINNING, Start(start, masks), Silent())
    assert any("bias" in path and not m.all() for path, m in masks.items())
    for path, mask in masks.items():
        assert not outcome.weights[path][~mask].any()
    model = one.export_model(outcome.weights)
    assert set(masking.variables(model)) == set(outcome.weights)
    assert {type(layer).__module__.partition(".")[0] for layer in model.layers} == {"keras"}
    x, _, _ = one.arrays().test
    logits = keras.ops.convert_to_numpy(model(x["tokens"][:3, :4]))
    assert logits.shape == (3, 4, WORDS)
    masked = one._model({name: part[:STREAMS] for name, part in x.items()})
    np.testing.assert_allclose(logits, keras.ops.convert_to_numpy(masked)[:3, :4], atol=1e-5)


def test_the_loop_is_called_as_the_fused_kernel_of_a_gpu_asks(monkeypatch):
    import keras.src.layers.rnn.lstm as keras_lstm

    calls = []

    def fused(inputs, h, c, mask, **arguments):
        calls.append((mask, arguments))
        raise NotImplementedError

    monkeypatch.setattr(keras_lstm.backend, "lstm", fused)
    one = task(model={"dropout": 0.5})
    model = one._model
    x, _, _ = one.arrays().test
    masks = full(one)
    masks["layers/lstm/cell/kernel"][:, 0] = False
    masking.set_masks(model, masks)
    calls.clear()
    model({name: part[:STREAMS] for name, part in x.items()}, training=True)
    assert len(calls) == 2
    for mask, arguments in calls:
        assert mask is None
        assert arguments["activation"] is keras.activations.tanh
        assert arguments["recurrent_activation"] is keras.activations.sigmoid
        assert arguments["bias"] is not None
        assert not arguments["unroll"] and not arguments["go_backwards"]
    kernel = keras.ops.convert_to_numpy(calls[0][1]["kernel"])
    assert not kernel[:, 0].any() and kernel[:, 1].all()
    lstm = [layer for layer in model.layers if isinstance(layer, keras.layers.LSTM)]
    assert all(layer.use_cudnn == "auto" and not layer.recurrent_dropout for layer in lstm)


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="XLA is a choice there alone")
def test_xla_does_not_prevent_the_fused_kernel():
    assert choose_compilation(task()._model, Distribution()).xla is False


def test_flops_count_every_step_and_a_look_up_never():
    one = task()
    assert one.flops({}) == 2 * STEPS * (2 * 4 * 6 * 12 + 6 * WORDS)
    assert task(model={"tied": True}).flops({}) == one.flops({})


def test_a_derivative_depends_on_nothing_that_is_carried():
    one = task(corpus(50), train={"length": "4it"})
    weights = one.start_weights(0)
    before = one.derived("gradient", weights, {}, seed=0)
    one.fit(DENSE, Start(one.start_weights(1)), Silent())
    after = one.derived("gradient", weights, {}, seed=0)
    for path, value in before.items():
        np.testing.assert_array_equal(value, after[path])


def test_bad_input_is_one_line():
    with pytest.raises(LotteryError, match=r"data\.validation"):
        text = dataclasses.replace(corpus(), validation=None)
        task(text, train={"value": "best"}).steps("1ep")
    with pytest.raises(LotteryError, match="more than 20 tokens for 4 streams"):
        task(corpus(12)).steps("1ep")
    one = task()
    masked = dataclasses.replace(config().supermask, batch_size=8)
    one.config = dataclasses.replace(one.config, supermask=masked)
    with pytest.raises(LotteryError, match="batches of 4"):
        one.evaluate(Start(one.start_weights(0), parametrization="bernoulli"))
