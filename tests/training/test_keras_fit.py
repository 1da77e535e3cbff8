"""Data that isn't arrays: any initial step, and the order of the seed if there is one."""

import keras
import numpy as np
import pytest

from keras_lottery import training
from keras_lottery.errors import LotteryError
from keras_lottery.training.step_callback import StepCallback
from tests.training import made
from tests.training.kinds import Batches, Calls, generator, tf_data

pytestmark = pytest.mark.backend

X, Y = made.blobs(examples=40)


class Seen(keras.callbacks.Callback):
    """Notes `(epoch, batch)` of every step."""

    def on_train_begin(self, logs=None):
        self.steps, self.begun = [], getattr(self, "begun", 0) + 1

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self.steps.append((self._epoch, batch))


@pytest.fixture(scope="module")
def model():
    return made.compiled(made.network(), keras.optimizers.SGD(0.1))


@pytest.fixture(scope="module")
def start(model):
    return model.get_weights()


def trained(model, start, x, **settings):
    """Returns the weights after training from `start`, and the steps seen by callbacks."""
    model.set_weights(start)
    seen = Seen()
    training.fit(model, x, callbacks=[seen], verbose=0, **{"epochs": 3} | settings)
    assert seen.begun == 1
    return model.get_weights(), seen.steps


def equal(one, other):
    return all(np.allclose(a, b, rtol=1e-5, atol=1e-6) for a, b in zip(one, other, strict=True))


def test_a_pydataset_continues_at_any_step_in_the_order_of_the_seed(model, start):
    once, steps = trained(model, start, Batches(X, Y), seed=3)
    assert steps == [(epoch, batch) for epoch in range(3) for batch in range(5)]
    assert not equal(once, trained(model, start, Batches(X, Y), seed=4)[0])
    halfway, _ = trained(model, start, Batches(X, Y, workers=2), seed=3, epochs=1)
    # Two steps of the second epoch, then the other three and the third epoch.
    stop = Calls("batch ends", 1)
    model.set_weights(halfway)
    training.fit(
        model, Batches(X, Y), seed=3, initial_epoch=1, epochs=2, callbacks=[stop], verbose=0
    )
    rest, steps = trained(model, model.get_weights(), Batches(X, Y), seed=3, initial_step=7)
    assert steps == [(1, 0), (1, 1), (1, 2)] + [(2, batch) for batch in range(5)]
    assert equal(rest, once)


def test_tf_data_continue_where_they_were(model, start):
    with pytest.warns(UserWarning, match="seed=3 has no effect"):
        once, _ = trained(model, start, tf_data(X, Y), shuffle=False, seed=3)
    first, _ = trained(model, start, tf_data(X, Y).take(2), shuffle=False, epochs=1)
    rest, steps = trained(model, first, tf_data(X, Y), shuffle=False, initial_step=2)
    assert len(steps) == 13 and steps[:3] == [(0, 0), (0, 1), (0, 2)]
    assert equal(rest, once)
    endless, steps = trained(
        model, first, tf_data(X, Y).repeat(), shuffle=False, initial_step=2, steps_per_epoch=5
    )
    assert len(steps) == 13 and equal(endless, once)
    seven, _ = trained(model, start, tf_data(X, Y).repeat().take(7), shuffle=False, epochs=1)
    for data, each in ((tf_data(X, Y), None), (tf_data(X, Y).repeat(), 5)):
        settings = {"shuffle": False, "initial_step": 7, "steps_per_epoch": each}
        rest, steps = trained(model, seven, data, **settings)
        assert len(steps) == 8 and equal(rest, once)


class Steps(StepCallback):
    """Notes the number of every step."""

    def on_first_epoch(self, epoch):
        self.seen, self.left = [], self.steps_left()

    def on_steps_end(self, last, step):
        self.seen += range(last + 1, step + 1)


@pytest.mark.parametrize("kind", ["arrays", "PyDataset", "tf.data"])
def test_step_callbacks_count_from_the_initial_step(kind, model, start):
    data = {"arrays": X, "PyDataset": Batches(X, Y), "tf.data": tf_data(X, Y)}[kind]
    arrays = {"y": Y, "batch_size": 8} if kind == "arrays" else {"shuffle": kind == "PyDataset"}
    counted = Steps()
    model.set_weights(start)
    settings = arrays | {"epochs": 3, "initial_step": 7, "verbose": 0}
    training.fit(model, data, callbacks=[counted], **settings)
    assert counted.seen == list(range(8, 16))
    if kind != "tf.data":  # Keras learns its length from the first epoch
        assert counted.left == 8


def test_an_eager_model_and_a_generator_to_validate_on_keep_step_and_seed(model, start):
    compiled, _ = trained(model, start, X, y=Y, batch_size=8, initial_step=7, seed=2)
    validation = {"validation_data": generator(X, Y), "validation_steps": 2}
    other, steps = trained(model, start, X, y=Y, batch_size=8, initial_step=7, seed=2, **validation)
    assert steps == [(1, 0), (1, 1), (1, 2)] + [(2, batch) for batch in range(5)]
    assert equal(other, compiled)


def test_stopping_in_the_rest_of_an_epoch_ends_the_training(model, start):
    model.set_weights(start)
    stop, ends = Calls("batch ends", 1), []
    end = keras.callbacks.LambdaCallback(on_train_end=ends.append)
    settings = {"initial_step": 2, "epochs": 3, "callbacks": [stop, end], "verbose": 0}
    history = training.fit(model, Batches(X, Y), **settings)
    assert history.epoch == [0] and len(ends) == 1


def test_what_cannot_begin_within_an_epoch_says_so(model):
    with pytest.raises(LotteryError, match=r"starts at step 3.*generator.*Pass steps_per_epoch"):
        training.fit(model, generator(X, Y), initial_step=3)
    averaging = made.compiled(made.network(), keras.optimizers.SGD(0.1, use_ema=True))
    with pytest.raises(LotteryError, match="use_ema"):
        training.fit(averaging, Batches(X, Y), initial_step=3)
