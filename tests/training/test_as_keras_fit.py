"""`fit` compared with Keras' own, argument by argument: logs, epochs and callback hooks."""

import keras
import numpy as np
import pytest

from keras_lottery import training
from tests.training import made
from tests.training.kinds import Batches, BatchesOfTests, Calls, generator, tf_data

pytestmark = pytest.mark.backend

X, Y = made.blobs(examples=40)
XV, YV = made.blobs(examples=40, seed=1)
WEIGHTS = np.linspace(0.5, 1.5, 40, dtype="float32")
CASES = {
    "defaults": {"batch_size": None},
    "batch_size": {"batch_size": 16},
    "no epochs": {"epochs": 0},
    "a bar": {"verbose": 1, "validation_data": [XV, YV]},
    "a line": {"verbose": 2, "validation_data": (XV, YV, WEIGHTS)},
    "stop at the start": {"callbacks": lambda: [Calls("train begins")]},
    "stop before an epoch": {"callbacks": lambda: [Calls("epoch begins", 1)]},
    "stop at a batch": {"callbacks": lambda: [Calls("batch ends", 1)]},
    "validation_split": {"validation_split": 0.3},
    "validation PyDataset": {"validation_data": lambda: Batches(XV, YV, WEIGHTS)},
    "validation tf.data": {"validation_data": lambda: tf_data(XV, YV)},
    "validation generator": {"validation_data": lambda: generator(XV, YV), "validation_steps": 2},
    "validation batches": {"validation_data": (XV, YV), "callbacks": lambda: [BatchesOfTests()]},
    "shuffle": {"shuffle": True},
    "class_weight": {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
    "sample_weight": {"sample_weight": WEIGHTS},
    "initial_epoch": {"initial_epoch": 1},
    "initial_epoch at the end": {"initial_epoch": 3},
    "steps_per_epoch": {"batch_size": None, "steps_per_epoch": 5},
    "steps_per_epoch of two": {"batch_size": 10, "steps_per_epoch": 2},
    "steps_per_epoch past the data": {"batch_size": 10, "steps_per_epoch": 3},
    "validation_steps": {"batch_size": None, "validation_data": (XV, YV), "validation_steps": 2},
    "validation_batch_size": {
        "validation_data": (XV, YV), "validation_batch_size": 7, "validation_steps": 2,
        "validation_freq": 2,
    },
    "validation_freq of epochs": {"validation_data": (XV, YV), "validation_freq": [1, 3]},
    "weights in a PyDataset": {"x": lambda: Batches(X, Y, WEIGHTS), "y": None},
    "classes of a PyDataset": {
        "x": lambda: Batches(X, Y), "y": None, "class_weight": {0: 1.0, 1: 2.0, 2: 0.5},
    },
    "steps of a PyDataset": {"x": lambda: Batches(X, Y, size=10), "y": None, "steps_per_epoch": 2},
    "tf.data": {"x": lambda: tf_data(X, Y), "y": None, "validation_data": (XV, YV)},
    "generator": {"x": lambda: generator(X, Y), "y": None, "steps_per_epoch": 5},
    "eager": {"eager": True, "validation_split": 0.3, "class_weight": {0: 1.0, 1: 2.0, 2: 0.5}},
}  # fmt: skip


@pytest.fixture(scope="module")
def trained():
    """One network for all cases, its weights, and how to start it afresh."""
    model = made.compiled(made.network(), keras.optimizers.SGD(0.1))
    program = training.prepare(model, X, Y)
    weights = model.get_weights()

    def fresh(eager=False):
        model.set_weights(weights)
        model.run_eagerly = eager
        return model

    return fresh, program


def _settings(case):
    made_now = {k: v() if callable(v) else v for k, v in case.items() if k != "eager"}
    base = {"x": X, "y": Y, "epochs": 3, "verbose": 0, "shuffle": False}
    # One batch size nearly everywhere: few shapes to compile.
    return base | {"batch_size": 20, "callbacks": [Calls()]} | made_now


@pytest.mark.filterwarnings(
    "ignore:.*ran out of data", "ignore:.*shuffle=True", "ignore:steps_per_epoch"
)
@pytest.mark.parametrize("name", CASES)
def test_does_what_keras_does(name, trained):
    fresh, program = trained
    case = CASES[name]
    theirs, ours = _settings(case), _settings(case)
    model = fresh(case.get("eager", False))
    expected = model.fit(**theirs)
    weights = model.get_weights()
    history = training.fit(fresh(model.run_eagerly), **ours, program=program)
    assert ours["callbacks"][0].calls == theirs["callbacks"][0].calls
    assert history.epoch == expected.epoch
    assert list(history.history) == list(expected.history)
    if ours["shuffle"]:
        return
    for log, series in expected.history.items():
        np.testing.assert_allclose(history.history[log], series, rtol=1e-4, atol=1e-5, err_msg=log)
    for one, other in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


def test_takes_one_callback_and_lists_of_them(trained):
    fresh, program = trained
    one, several, held = Calls(), Calls(), Calls()
    for callbacks in (one, [[several]], keras.callbacks.CallbackList([held])):
        training.fit(fresh(False), X, Y, callbacks=callbacks, verbose=0, program=program)
    assert one.calls == several.calls == held.calls != []


def test_a_backup_resumes_at_its_epoch(trained, tmp_path):
    """BackupAndRestore says at the beginning of training where it goes on."""
    fresh, program = trained

    class Break(Calls):
        def on_epoch_begin(self, epoch, logs=None):
            self.calls.append(epoch)
            if self.stop == (epoch,):
                raise KeyboardInterrupt

    for stop, epochs in ((2, [0, 1, 2]), (None, [2, 3])):
        calls, backup = Break(stop), keras.callbacks.BackupAndRestore(tmp_path)
        settings = {"epochs": 4, "callbacks": [backup, calls], "verbose": 0, "program": program}
        try:
            training.fit(fresh(False), X, Y, **settings)
        except KeyboardInterrupt:
            assert stop == 2
        assert [call for call in calls.calls if isinstance(call, int)] == epochs
