"""`fit` gives the same results as Keras' own, in fewer calls."""

import keras
import numpy as np
import pytest

from keras_lottery import backend, masking, toolkit, training
from keras_lottery.errors import LotteryError
from keras_lottery.training import resident
from keras_lottery.training.arrays import weighted_and_split
from tests.training import made

pytestmark = pytest.mark.backend


SPLIT = {"sample_weight": None, "validation_data": None, "validation_split": 0.0}


def pair(**settings):
    """Two equal networks."""
    return [made.compiled(made.network(**settings), keras.optimizers.Adam(0.01)) for _ in "ab"]


def assert_equal_weights(one, other, tolerance=2e-5):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def test_equals_keras_fit_where_nothing_is_shuffled():
    x, y = made.blobs(examples=70)
    ours, keras_own = pair(norm=True)
    settings = {
        "batch_size": 16,
        "epochs": 3,
        "shuffle": False,
        "validation_split": 0.2,
        "class_weight": {0: 1.0, 1: 2.0, 2: 0.5},
        "verbose": 0,
    }
    history = training.fit(ours, x, y, **settings)
    expected = keras_own.fit(x, y, **settings)
    assert_equal_weights(ours, keras_own)
    assert history.history.keys() == expected.history.keys()
    for name, series in expected.history.items():
        np.testing.assert_allclose(history.history[name], series, rtol=1e-4, atol=1e-5)


def test_takes_sample_weights_and_several_inputs_and_outputs():
    x, y = made.blobs()
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    both = keras.layers.Concatenate()([a, b])
    model = keras.Model(
        {"a": a, "b": b}, {"c": keras.layers.Dense(3)(both), "d": keras.layers.Dense(1)(both)}
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss={"c": loss, "d": "mse"})
    before = model.get_weights()
    history = training.fit(
        model,
        {"a": x[:, :3], "b": x[:, 3:]},
        {"c": y, "d": x[:, :1]},
        epochs=2,
        verbose=0,
    )
    assert history.history["loss"][1] < history.history["loss"][0]
    assert all((p != q).any() for p, q in zip(before, model.get_weights(), strict=True))


def test_other_data_are_handed_to_keras():
    x, y = made.blobs()

    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return x[30 * i : 30 * i + 30], y[30 * i : 30 * i + 30]

    model = made.compiled(made.network())
    history = training.fit(model, Batches(), epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2


class Calls(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs, self.batches, self.iterations = [], [], []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)


class BatchCalls(Calls):
    def on_train_batch_end(self, batch, logs=None):
        self.batches.append(batch)
        self.iterations.append(int(self.model.optimizer.iterations))
        assert np.isfinite(logs["loss"])


def test_batch_hooks_are_called_after_every_step_where_a_callback_has_them():
    x, y = made.blobs(examples=50)
    calls = BatchCalls()
    training.fit(made.compiled(made.network()), x, y, batch_size=20, epochs=2, callbacks=[calls])
    assert calls.batches == [0, 1, 2] * 2
    assert calls.iterations == [1, 2, 3, 4, 5, 6]
    assert calls.epochs == [0, 1]


def test_a_callback_can_stop_training_and_change_weights():
    x, y = made.blobs()

    class Zero(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                for weight in self.model.trainable_weights:
                    weight.assign(0 * weight.numpy())
                self.model.stop_training = True

    model = made.compiled(made.network())
    calls = Calls()
    training.fit(model, x, y, epochs=5, callbacks=[Zero(), calls], verbose=0)
    assert calls.epochs == [0, 1]
    assert all((w == 0).all() for w in model.get_weights())


def test_early_stopping_restores_the_best_weights():
    x, y = made.blobs()
    model = made.compiled(made.network(), keras.optimizers.SGD(50.0))  # diverges
    stopping = keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
    history = training.fit(model, x, y, epochs=20, callbacks=[stopping], verbose=0)
    assert len(history.history["loss"]) < 20


@pytest.mark.skipif(backend.name() == "torch", reason="torch traces nothing")
def test_one_program_serves_several_fits():
    x, y = made.blobs()
    model = made.compiled(made.network())
    training.fit(model, x, y, epochs=1, verbose=0)
    program = training.make_program(model)
    training.fit(model, x, y, epochs=1, verbose=0, program=program)
    traced = program.traces
    assert traced > 0
    training.fit(model, x, y, epochs=4, verbose=0, program=program)
    assert program.traces == traced


def change(x, y, held_out, number):
    """Changes arrays in place, a value at a time; returns those of the next call."""
    if number == 2:
        x[3, 2] = 7.0
    if number == 3:
        y[7], held_out[1][2] = (y[7] + 1) % 3, (held_out[1][2] + 1) % 3
    return (x[:90], y[:90]) if number == 4 else (x, y)


def test_a_kept_program_trains_on_the_arrays_as_they_are_now():
    trained, put = [], []
    for keep in (True, False):
        (x, y), held_out = made.blobs(), made.blobs(seed=1)
        model = made.compiled(made.network(dropout=0.3))
        program = training.prepare(model, x, y)
        own = program.program
        if keep:
            own.put = lambda array, real=own.put: put.append(1) or real(array)
        histories = []
        for number in range(5):
            arrays = change(x, y, held_out, number)
            settings = {"validation_data": held_out, "batch_size": 50, "verbose": 0}
            kept = program if keep else own  # `fit` keeps nothing of a program without arrays
            history = training.fit(model, *arrays, program=kept, **settings)
            histories.append(history.history)
            if keep and number == 1 and backend.is_cpu():
                assert len(put) == 4  # none in the second call
        trained.append((histories, model.get_weights()))
    assert trained[0][0] == trained[1][0]
    assert all((a == b).all() for a, b in zip(trained[0][1], trained[1][1], strict=True))


@pytest.mark.parametrize("value", [np.nan, -0.0, 1.0])
def test_equal_bits_are_equal_arrays(value):
    kept = keras.ops.convert_to_tensor(np.full((3, 3), value, "float32"))
    assert resident._equal(kept, np.full((3, 3), value, "float32"))
    assert not resident._equal(kept, np.zeros((3, 3), "float32"))
    assert not resident._equal(kept, np.full((3, 3), value))
    assert not resident._equal(kept, np.full((9,), value, "float32"))
    assert not resident._equal(None, np.zeros((3, 3), "float32"))


def test_ema_over_two_fits():
    x, y = made.blobs()
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    model = made.compiled(made.network(), optimizer)
    for _ in "ab":
        training.fit(model, x, y, epochs=2, verbose=0)
        averages = [np.array(v) for v in optimizer._model_variables_moving_average]
        for average, weight in zip(averages, model.trainable_weights, strict=True):
            np.testing.assert_allclose(average, weight.numpy(), rtol=1e-6)


def test_mistakes_are_named():
    x, y = made.blobs()
    model = made.compiled(made.network())
    with pytest.raises(LotteryError, match=r"none for \[2\]"):
        training.fit(model, x, y, class_weight={0: 1.0, 1: 1.0})
    for labels in (np.zeros((len(y), 5, 2)), np.tile([0, 1, 1], (len(y), 1))):
        with pytest.raises(LotteryError, match=r"with class_weight.*Pass sample_weight"):
            weighted_and_split(x, SPLIT | {"y": labels, "class_weight": {0: 1.0, 1: 2.0}})
    both = {"class_weight": {0: 1.0, 1: 1.0, 2: 1.0}, "sample_weight": np.ones(len(y))}
    with pytest.raises(LotteryError, match=r"class_weight or sample_weight\. Received both"):
        training.fit(model, x, y, **both)
    with pytest.raises(LotteryError, match="Received lengths"):
        training.fit(model, x, y[:-1])
    with pytest.raises(LotteryError, match="validation_split"):
        training.fit(model, x, y, validation_split=1.5)


def test_a_fixed_batch_and_a_state_between_batches():
    if backend.name() == "torch":
        pytest.skip("Keras' own fit fails with it on torch")

    def network():
        keras.utils.set_random_seed(0)
        model = keras.Sequential(
            [
                keras.Input(batch_shape=(8, 5, 3)),
                keras.layers.LSTM(4, stateful=True),
                keras.layers.Dense(1),
            ]
        )
        model.compile(keras.optimizers.SGD(0.1), "mse")
        return model

    x = np.random.default_rng(0).normal(size=(32, 5, 3)).astype("float32")
    y, (ours, other) = x[:, 0, :1], (network(), network())
    training.fit(ours, x, y, batch_size=8, shuffle=False, verbose=0)
    other.fit(x, y, batch_size=8, shuffle=False, verbose=0)
    assert_equal_weights(ours, other)


def test_words_are_looked_up_without_xla():
    if backend.name() != "tensorflow":
        pytest.skip("only TensorFlow has strings")
    words = keras.layers.TextVectorization(4, output_mode="multi_hot", vocabulary=["a", "b"])
    model = keras.Sequential([keras.Input((1,), dtype="string"), words, keras.layers.Dense(2)])
    made.compiled(model, keras.optimizers.SGD(0.5))
    x, y = np.array([["a"], ["b"]] * 20, object), np.array([0, 1] * 20)
    training.fit(model, x, y, epochs=5, verbose=0)
    assert model.evaluate(keras.ops.convert_to_tensor(x), y, verbose=0)[-1] == 1.0


def test_metrics_with_several_values_are_logged_as_arrays():
    x, y = made.blobs()
    model = made.network()
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, metrics=[keras.metrics.F1Score(average=None)])
    labels = keras.utils.to_categorical(y)
    history = training.fit(model, x, labels, validation_data=(x, labels), verbose=0).history
    expected = model.evaluate(x, labels, verbose=0, return_dict=True)["f1_score"]
    assert np.shape(history["f1_score"]) == (1, 3)
    np.testing.assert_allclose(history["val_f1_score"][0], expected, rtol=1e-5)


@pytest.mark.backend
def test_a_program_from_before_pruning_or_compiling_is_not_used():
    x, y = made.blobs()
    model = made.network()
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    program = training.prepare(model, x, y)
    training.fit(model, x, y, program=program, verbose=0)
    toolkit.prune(model, 0.5)
    kept = {path: mask.copy() for path, mask in masking.get_masks(model).items()}
    training.fit(model, x, y, program=program, verbose=0)
    weights = masking.get_weights(model)
    assert all(not weights[path][~mask].any() for path, mask in kept.items())
    model.compile(keras.optimizers.SGD(0.0), model.loss)
    training.fit(model, x, y, program=program, verbose=0)
    assert all((weights[path] == now).all() for path, now in masking.get_weights(model).items())
