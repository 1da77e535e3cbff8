"""`RewindPoint` captures a state of the training, and none of another one."""

import keras
import numpy as np
import pytest

from keras_lottery import backend, masking, toolkit, training
from keras_lottery.errors import LotteryError
from keras_lottery.toolkit.callbacks import RewindPoint
from tests.training import made

pytestmark = pytest.mark.backend

X, Y = made.blobs()  # 120 examples: 8 steps of 15 an epoch
SETTINGS = {"batch_size": 15, "shuffle": False, "verbose": 0}


def weights_of(state):
    return [state[name] for name in sorted(state) if name.startswith("weights/")]


def assert_equal(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_both_fits_capture_the_same_step_also_after_initial_epoch():
    keras_own, ours = made.compiled(made.network()), made.compiled(made.network())
    point, other = RewindPoint("10it"), RewindPoint("10it")
    keras_own.fit(X, Y, epochs=1, callbacks=[], **SETTINGS)
    keras_own.fit(X, Y, initial_epoch=1, epochs=2, callbacks=[point], **SETTINGS)
    training.fit(ours, X, Y, epochs=2, callbacks=[other], **SETTINGS)
    assert point.state["step"] == other.state["step"] == 10
    assert point.state["epoch"] == other.state["epoch"] == 1
    assert_equal(weights_of(point.state), weights_of(other.state))


def test_a_restored_training_captures_what_was_restored(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    def backup():
        return keras.callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)

    model = made.compiled(made.network())
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y, epochs=2, callbacks=[backup(), Interrupt()], **SETTINGS)
    resumed, point = made.compiled(made.network(seed=2)), RewindPoint("1ep")
    resumed.fit(X, Y, epochs=2, callbacks=[point, backup()], **SETTINGS)
    assert_equal(
        sorted(map(np.sum, weights_of(point.state))), sorted(map(np.sum, model.get_weights()))
    )
    for passed in ("0it", "5it"):
        with pytest.raises(LotteryError, match=r"not passed. Received: .it.*Choose '2ep'"):
            resumed.fit(X, Y, epochs=3, callbacks=[RewindPoint(passed), backup()], **SETTINGS)


def test_a_point_that_the_training_does_not_reach_is_an_error():
    point = RewindPoint("2ep")
    with pytest.raises(LotteryError, match=r"passed the rewind point\. Received: none"):
        point.rewind()
    model = made.compiled(made.network())
    with pytest.raises(LotteryError, match="Received: 2ep, but it ended at step 8"):
        model.fit(X, Y, callbacks=[point], **SETTINGS)


@pytest.mark.skipif(keras.config.backend() == "torch", reason="one step a call")
def test_a_point_inside_a_call_of_several_steps_is_an_error():
    model = made.network()
    model.compile("sgd", "sparse_categorical_crossentropy", steps_per_execution=4)
    with pytest.raises(LotteryError, match="6it, inside the call of steps 5 to 8"):
        model.fit(X, Y, callbacks=[RewindPoint("6it")], **SETTINGS)


def test_scores_of_learned_masks_are_rewound():
    model = made.compiled(toolkit.mask(made.network(), parametrization="bernoulli"))
    raw = [v for v in model.non_trainable_variables if v.dtype == "bool"]
    scores = [keras.ops.convert_to_numpy(v.value).copy() for v in masking.scores(model)]
    point = RewindPoint("0it")
    model.fit(X, Y, callbacks=[point], **SETTINGS)
    trained = [keras.ops.convert_to_numpy(v.value).copy() for v in masking.scores(model)]
    assert all((a != b).any() for a, b in zip(scores, trained))
    point.rewind()
    assert_equal(scores, [keras.ops.convert_to_numpy(v.value) for v in masking.scores(model)])
    assert raw and all(keras.ops.convert_to_numpy(v.value).all() for v in raw)


def test_the_start_of_a_first_fit_can_be_rewound_to():
    model = made.compiled(toolkit.mask(made.network()))
    start = masking.get_weights(model)
    point = RewindPoint()
    losses = []
    for _ in "ab":
        losses.append(model.fit(X, Y, epochs=2, callbacks=[point], **SETTINGS).history["loss"])
        point.rewind()
        assert all(np.array_equal(w, start[p]) for p, w in masking.get_weights(model).items())
        assert int(model.optimizer.iterations) == 0
    np.testing.assert_allclose(*losses, rtol=1e-6)


@pytest.mark.parametrize("argument", [{"recurrent_dropout": 0.3}, {"stateful": True}], ids=str)
def test_a_rewound_training_repeats_random_numbers_and_recurrent_states(argument):
    if "stateful" in argument and backend.name() == "torch":
        pytest.skip("Keras' own fit fails with it on torch")
    keras.utils.set_random_seed(0)
    x = np.random.default_rng(0).normal(size=(32, 5, 4)).astype("float32")
    lstm = keras.layers.LSTM(3, **argument)
    model = keras.Sequential([keras.Input(batch_shape=(8, 5, 4)), lstm, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    toolkit.mask(model)
    point = RewindPoint("2it")
    settings = {"x": x, "y": x[:, 0, :1], "batch_size": 8, "epochs": 2, "verbose": 0}
    training.fit(model, **settings, callbacks=[point])
    first = masking.get_weights(model)
    point.rewind()
    training.fit(model, **settings, initial_step=2)
    assert all(np.array_equal(first[p], w) for p, w in masking.get_weights(model).items())


def test_weights_and_their_averages_share_no_array_after_pruning():
    model = made.compiled(made.network(), keras.optimizers.SGD(0.1, use_ema=True))
    model.fit(X, Y, verbose=0)  # on JAX, Keras gives both the same array, and donates it twice
    toolkit.prune(model, 0.5)
    model.fit(X, Y, verbose=0)
    assert toolkit.summary(model).sparsity == pytest.approx(0.5, abs=0.01)
