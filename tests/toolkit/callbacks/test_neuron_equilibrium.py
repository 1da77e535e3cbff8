"""Frozen neurons stay bit for bit under every optimizer; the others train; nothing is retraced."""

import sys
from contextlib import nullcontext

import keras
import numpy as np
import pytest
from keras import layers

import keras_lottery as kl
from keras_lottery.errors import LotteryError
from keras_lottery.masking.gradient_mask import slots
from keras_lottery.toolkit.callbacks import neuron_equilibrium
from keras_lottery.training.fit import prepare
from keras_lottery.training.neurons import similarity

pytestmark = pytest.mark.backend

OPTIMIZERS = {
    "sgd": lambda: keras.optimizers.SGD(0.1, momentum=0.9, weight_decay=1e-2),
    "adamw": lambda: keras.optimizers.AdamW(1e-2, weight_decay=1e-2, global_clipnorm=1.0),
}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 6, 6, 1)).astype(np.float32)
Y = (np.arange(24) % 3).astype(np.int32)


def compiled(optimizer="sgd", seed=0):
    keras.utils.set_random_seed(seed)
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(),
            layers.Flatten(),
            layers.Dense(3, name="out"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(OPTIMIZERS[optimizer](), loss)
    return model


class Chosen(kl.callbacks.RandomFreezing):
    """Freezes what a test says, and keeps rows and slots as they were after every epoch."""

    def __init__(self, plan):
        super().__init__(X[:2], [])
        self.plan, self.seen = plan, []

    def begin(self):
        self.keep()

    def choose(self, epoch):
        plan = self.plan[min(epoch, len(self.plan) - 1)]
        empty = {one.path: np.zeros(one.count, bool) for one in self.neurons}
        for path, places in plan.items():
            empty[path][places] = True
        return empty

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        self.keep()

    def keep(self):
        found = {}
        for one in self.neurons:
            for variable, axis in one.rows:
                every = [variable, *(s.variable for s in slots(self.model.optimizer, variable))]
                values = [keras.ops.convert_to_numpy(v.value) for v in every]
                found[one.path, variable.name] = [np.moveaxis(v, axis, 0).copy() for v in values]
        self.seen.append(found)


def fit(kind, model, callback, epochs=3):
    arguments = {"batch_size": 8, "epochs": epochs, "verbose": 0, "callbacks": [callback]}
    return (kl.fit if kind == "kl" else keras.Model.fit)(model, X, Y, **arguments)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
@pytest.mark.parametrize("kind", ["kl", "keras"])
def test_frozen_rows_and_their_slots_stay_and_all_others_move(kind, optimizer):
    model = compiled(optimizer)
    callback = Chosen([])
    callback.plan = [{}, {}, {}]
    fit(kind, compiled(optimizer), callback, epochs=1)
    conv, norm, out = (one.path for one in callback.neurons)
    plan = [{}, {conv: [0, 2], norm: [1], out: [2]}, {conv: [2, 3]}]
    callback = Chosen(plan)
    history = fit(kind, model, callback)
    assert len(callback.seen) == 4
    for epoch, frozen in enumerate(plan):
        before, after = callback.seen[epoch], callback.seen[epoch + 1]
        for path, name in before:
            still = np.isin(np.arange(len(before[path, name][0])), frozen.get(path, []))
            assert len(before[path, name]) == {"sgd": 2, "adamw": 3}[optimizer]
            for old, new in zip(before[path, name], after[path, name]):
                same = [o.tobytes() == n.tobytes() for o, n in zip(old, new)]
                assert same == still.tolist(), (epoch, path, name)
    np.testing.assert_allclose(history.history["frozen"], [0, 4 / 11, 2 / 11])
    # 9 weights a conv channel at 16 positions, 64 a dense one: twice that for multiply and add.
    full = 2 * 2 * (9 * 16 * 4 + 64 * 3)
    saved = [0, 2 * (9 * 16 * 2 + 64), 2 * 9 * 16 * 2]
    assert history.history["backprop_flops"] == [full - s for s in saved]


def operations_alone():
    """Runs operation by operation on JAX: how two programs are fused is not what they compute."""
    if keras.config.backend() != "jax":
        return nullcontext()
    import jax

    return jax.disable_jit()


def test_nothing_is_frozen_where_nothing_is_chosen_and_the_optimizer_is_left_as_it_was():
    plain, frozen = compiled(), compiled()
    before = [v.name for v in frozen.optimizer.variables]
    with operations_alone():
        kl.fit(plain, X[:16], Y[:16], batch_size=8, verbose=0)
        kl.fit(frozen, X[:16], Y[:16], batch_size=8, verbose=0, callbacks=[Chosen([{}])])
    for one, other in zip(plain.get_weights(), frozen.get_weights()):
        np.testing.assert_array_equal(one, other)
    assert len(frozen.optimizer.variables) == len(plain.optimizer.variables)
    assert before == [v.name for v in compiled().optimizer.variables]
    assert "apply" not in vars(frozen.optimizer)


def test_a_training_that_follows_trains_everything_again():
    model = compiled()
    callback = Chosen([{}])
    fit("keras", model, callback, epochs=1)
    conv = callback.neurons[0].path
    callback = Chosen([{conv: [0, 1, 2, 3]}])
    fit("keras", model, callback, epochs=1)
    still = [v.copy() for v in model.get_weights()]
    assert (
        callback.seen[0][conv, "kernel"][0].tobytes()
        == callback.seen[1][conv, "kernel"][0].tobytes()
    )
    model.fit(X, Y, batch_size=8, verbose=0)
    assert all((one != other).any() for one, other in zip(still[0], model.get_weights()[0]))


@pytest.mark.parametrize("kind", ["kl", "keras"])
def test_a_training_after_an_interrupted_one_trains_everything(kind):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    model = compiled()
    run = kl.fit if kind == "kl" else keras.Model.fit
    callback = Chosen([{"layers/conv2d": [0, 1, 2, 3]}])
    with pytest.raises(KeyboardInterrupt):
        run(model, X, Y, batch_size=8, epochs=3, verbose=0, callbacks=[callback, Interrupt()])
    before = [np.array(v) for v in model.get_weights()]
    run(model, X, Y, batch_size=8, epochs=1, verbose=0)
    assert (before[0] != model.get_weights()[0]).any()
    assert not any("trained_rows" in v.name for v in model.optimizer.variables)
    assert "apply" not in vars(model.optimizer) and "make_train_function" not in vars(model)


def test_no_retrace_when_the_frozen_set_changes(monkeypatch):
    model = compiled()
    program = prepare(model, X, Y)
    callback = Chosen([{}])
    fit("kl", compiled(), callback, epochs=1)
    conv = callback.neurons[0].path
    made = []
    fitting = sys.modules["keras_lottery.training.fit"]
    monkeypatch.setattr(fitting, "prepare", lambda *a: made.append(prepare(*a)) or made[-1])
    plan = [{conv: [epoch % 4]} for epoch in range(6)]
    kl.fit(model, X, Y, batch_size=8, epochs=6, verbose=0, callbacks=[Chosen(plan)],
           program=program)  # fmt: skip
    assert program.traces == 0  # an earlier program knows nothing of frozen rows
    assert len(made) == 1
    assert made[0].traces == {"torch": 0}.get(keras.config.backend(), 1)


def test_equilibrium_freezes_by_velocity_and_unfreezes_what_moves(monkeypatch):
    callback = kl.callbacks.NeuronEquilibrium(X[:4], epsilon=1e-3, mu=0.5)
    model = compiled()
    fit("keras", model, callback, epochs=1)
    conv = callback.neurons[0].path
    outputs = {one.path: np.eye(one.count, 8, dtype=np.float32) for one in callback.neurons}
    turned = outputs | {conv: np.roll(outputs[conv], 1, axis=1)}  # cosine 0 with the former
    callback.begin()
    callback._outputs = outputs
    steps = [outputs, outputs, turned, turned, turned]
    monkeypatch.setattr(neuron_equilibrium, "normalized_outputs", lambda *_: steps.pop(0))
    found = [callback.choose(epoch) for epoch in range(1, 6)]
    # φ = 1, 1, 0, 1, 1; v = -, 0, -1, 1.5, -0.75
    assert [bool(one[conv].all()) for one in found] == [False, True, False, False, False]
    np.testing.assert_allclose(callback._velocity[conv], -0.75)
    others = [path for path in outputs if path != conv]
    assert [all(one[p].all() for p in others) for one in found] == [False, True, True, True, True]


def test_a_network_that_hardly_moves_freezes_and_the_control_freezes_as_many():
    model = compiled()
    model.optimizer.learning_rate = 1e-5
    model.get_layer("norm").momentum = 0.0
    callback = kl.callbacks.NeuronEquilibrium(X[:8], epsilon=0.1)
    history = fit("kl", model, callback, epochs=4)
    assert history.history["frozen"][:2] == [0, 0]
    assert history.history["frozen"][2] > 0
    assert 0.9 < history.history["similarity"][-1] <= 1
    control = kl.callbacks.RandomFreezing(X[:1], callback.counts, seed=1)
    other = fit("kl", compiled(), control, epochs=4)
    assert control.counts == callback.counts
    assert other.history["frozen"] == history.history["frozen"]
    assert other.history["backprop_flops"] == history.history["backprop_flops"]


def test_outputs_are_first_measured_when_every_callback_has_loaded_its_checkpoint():
    class Load(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            for weight in self.model.trainable_weights:
                weight.assign(np.ones(weight.shape))

    class Measure(Chosen):
        def begin(self):
            super().begin()
            weights = self.model.trainable_weights
            self.ones = all((keras.ops.convert_to_numpy(w) == 1).all() for w in weights)

    callback = Measure([{}])
    compiled().fit(X, Y, verbose=0, callbacks=[callback, Load()])
    assert callback.ones


def test_a_model_without_an_optimizer_is_an_error():
    callback = kl.callbacks.NeuronEquilibrium(X[:4])
    callback.set_model(keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    with pytest.raises(LotteryError, match="Expected a model with an optimizer"):
        callback.on_train_begin()


def test_similarity_of_outputs():
    one = np.array([[1, 0], [0, 0], [0.6, 0.8], [0, 0]], np.float32)
    other = np.array([[0, 1], [0, 0], [0.6, 0.8], [1, 0]], np.float32)
    np.testing.assert_allclose(similarity(one, other), [0, 1, 1, 0], atol=1e-6)


def test_bad_settings_are_errors():
    with pytest.raises(LotteryError, match="epsilon above 0"):
        kl.callbacks.NeuronEquilibrium(X, epsilon=0.0)
    with pytest.raises(LotteryError, match=r"mu from 0 to 0\.5"):
        kl.callbacks.NeuronEquilibrium(X, mu=0.6)
    with pytest.raises(LotteryError, match="none selected by include= and exclude="):
        fit("keras", compiled(), kl.callbacks.NeuronEquilibrium(X, exclude=("*",)))
    with pytest.raises(LotteryError, match="counts for every epoch"):
        fit("keras", compiled(), kl.callbacks.RandomFreezing(X, []))
    with pytest.raises(LotteryError, match="count from 0 to 4"):
        fit("keras", compiled(), kl.callbacks.RandomFreezing(X, [{"no": 1}]), epochs=1)
