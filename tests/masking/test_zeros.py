"""Pruned weights and their optimizer slots are exactly zero after any training."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit, training
from keras_lottery.masking import gradient_mask
from tests.keras_features import needs_muon
from tests.training.kinds import Batches

L = keras.layers
opt = keras.optimizers
pytestmark = pytest.mark.backend


def assert_sparse(model, masks=None):
    """Checks weights and slots; returns how many slots there were."""
    masks = masks or masking.get_masks(model)
    assert any((~mask).any() for mask in masks.values())
    weights, count = masking.get_weights(model), 0
    variables = masking.variables(model)
    for path, mask in masks.items():
        assert np.all(weights[path][~mask] == 0), path
        assert np.any(weights[path][mask] != 0), path
        for slot in gradient_mask.slots(model.optimizer, variables[path]):
            value = keras.ops.convert_to_numpy(slot.variable.value)
            assert np.all(value[~mask] == np.float32(slot.start)), slot.variable.name
            count += 1
    return count


CASES = {
    # optimizer, compile arguments, slots of each of the two kernels
    "sgd": (lambda: opt.SGD(0.1), {}, 0),
    "momentum": (lambda: opt.SGD(0.1, momentum=0.9), {}, 1),
    "adam": (lambda: opt.Adam(0.01), {}, 2),
    "amsgrad": (lambda: opt.Adam(0.01, amsgrad=True), {}, 3),
    "adamw": (lambda: opt.AdamW(0.01, weight_decay=0.1), {}, 2),
    "rmsprop": (lambda: opt.RMSprop(0.01, centered=True, momentum=0.5), {}, 3),
    "lion": (lambda: opt.Lion(0.01), {}, 1),
    "lamb": (lambda: opt.Lamb(0.01), {}, 2),
    "adagrad": (lambda: opt.Adagrad(0.1), {}, 1),
    "ftrl": (lambda: opt.Ftrl(0.1), {}, 2),
    "adafactor": (lambda: opt.Adafactor(0.01), {}, 1),
    "muon": (lambda: opt.Muon(0.01), {}, None),
    "accumulation": (lambda: opt.Adam(0.01, gradient_accumulation_steps=3), {}, 3),
    "ema": (lambda: opt.Adam(0.01, use_ema=True), {}, 3),
    "ema_overwrite": (lambda: opt.SGD(0.1, use_ema=True, ema_overwrite_frequency=2), {}, 1),
    "loss_scale": (lambda: opt.LossScaleOptimizer(opt.Adam(0.01)), {}, 2),
    "eager": (lambda: opt.Adam(0.01), {"run_eagerly": True}, 2),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=needs_muon) if name == "muon" else name for name in CASES]
)
def test_two_fits_leave_zeros(name, data, two_layers, compiled, random_masks):
    optimizer, arguments, per_variable = CASES[name]
    model = compiled(toolkit.mask(two_layers()), optimizer(), **arguments)
    masking.set_masks(model, random_masks(model))
    before = masking.get_weights(model)
    for _ in range(2):
        model.fit(*data, batch_size=8, epochs=2, verbose=0)
    count = assert_sparse(model)
    if per_variable is not None:
        assert count == 2 * per_variable
    after = masking.get_weights(model)
    assert all(np.any(before[p] != after[p]) for p in masking.get_masks(model))


def test_adafactor_with_a_pruned_row_and_a_pruned_column(data, two_layers, compiled):
    model = compiled(toolkit.mask(two_layers()), opt.Adafactor(0.01))
    masks = {path: np.ones_like(mask) for path, mask in masking.get_masks(model).items()}
    for mask in masks.values():
        mask[0] = mask[:, 0] = False
    masking.set_masks(model, masks)
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    assert all(np.isfinite(weight).all() for weight in masking.get_weights(model).values())
    assert_sparse(model, masks)
    assert model.optimizer.get_config()["epsilon_1"] == 1e-30


def test_adafactor_under_full_masks_trains_as_without_them(data, two_layers, compiled):
    weights = []
    for masked in (False, True):
        keras.utils.set_random_seed(0)
        model = compiled(two_layers(), opt.Adafactor(0.01))
        model.optimizer.loss_scale_factor = 1e-8  # the gradients are far smaller than the weights
        if masked:
            toolkit.mask(model)
        model.fit(*data, batch_size=8, epochs=2, shuffle=False, verbose=0)
        weights.append(masking.get_weights(model))
    for path, weight in weights[0].items():
        np.testing.assert_allclose(weight, weights[1][path], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [{"jit_compile": True}, {"steps_per_execution": 2}],
    ids=["jit_compile", "steps_per_execution"],
)
def test_ways_of_compiling(arguments, data, mlp, compiled, random_masks):
    if keras.config.backend() == "torch":
        pytest.skip("torch has neither")
    model = compiled(toolkit.mask(mlp()), "adam", **arguments)
    masking.set_masks(model, random_masks(model))
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    assert assert_sparse(model) == 6


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_mixed_precision(policy, data, mlp, compiled, random_masks):
    model = compiled(toolkit.mask(mlp(dtype=policy)), "adam")
    masking.set_masks(model, random_masks(model))
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    assert assert_sparse(model) == 6


def test_pruning_a_fitted_model_keeps_its_compile_state(data, mlp, compiled, random_masks):
    model = compiled(mlp(), opt.Adam(0.01), metrics=["accuracy"])
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    variables = masking.variables(model)
    kernel = variables["layers/dense/kernel"]
    slots = [slot.variable for slot in gradient_mask.slots(model.optimizer, kernel)]
    before = [keras.ops.convert_to_numpy(slot.value) for slot in slots]
    toolkit.mask(model)
    masks = random_masks(model)
    masking.set_masks(model, masks)
    assert int(model.optimizer.iterations) == 8
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01)
    mask = masks["layers/dense/kernel"]
    assert len(slots) == 2
    for slot, old in zip(slots, before):
        assert np.array_equal(keras.ops.convert_to_numpy(slot.value), np.where(mask, old, 0))
    assert_sparse(model)
    history = model.fit(*data, batch_size=8, epochs=1, verbose=0)
    assert set(history.history) == {"loss", "accuracy"}
    assert int(model.optimizer.iterations) == 12
    assert_sparse(model)


class PruneAt(keras.callbacks.Callback):
    def __init__(self, hook, when, act):
        super().__init__()
        self.when, self.act = when, act
        setattr(self, hook, self._maybe)

    def _maybe(self, index, logs=None):
        if index == self.when:
            self.act(self.model)


@pytest.mark.parametrize("masked_before", [True, False], ids=["masked", "unmasked"])
@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_epoch_end"])
def test_pruning_in_the_middle_of_fit(hook, masked_before, data, mlp, compiled):
    model = compiled(mlp(), opt.Adam(0.01, use_ema=True), metrics=["accuracy"])
    if masked_before:
        toolkit.mask(model)
    prune = PruneAt(hook, 1, lambda m: toolkit.prune(m, 0.6))
    model.fit(*data, batch_size=8, epochs=4, verbose=0, callbacks=[prune], validation_data=data)
    assert toolkit.summary(model).sparsity == pytest.approx(0.6, abs=0.02)
    assert assert_sparse(model) == 9
    assert int(model.optimizer.iterations) == 16


def test_masks_change_without_a_new_trace(data, mlp, compiled, random_masks):
    traces = []

    class Counting(L.Layer):
        def call(self, x):
            traces.append(1)
            return x

    inputs = keras.Input((6,))
    model = keras.Model(inputs, L.Dense(3)(Counting()(L.Dense(4)(inputs))))
    compiled(toolkit.mask(model), "adam")
    model.fit(*data, batch_size=8, verbose=0)
    model.predict(data[0], verbose=0)
    model.fit(*data, batch_size=8, verbose=0)
    before, kept = len(traces), []
    for seed in range(3):
        masks = random_masks(model, seed)
        masking.set_masks(model, masks)
        fitted = masking.get_weights(model)
        model.fit(*data, batch_size=8, verbose=0)
        assert_sparse(model, masks)
        kept.append(fitted["layers/dense/kernel"] != 0)
    assert not np.array_equal(kept[0], kept[1])
    if keras.config.backend() != "torch":  # which calls the layer at every step
        assert len(traces) == before


def test_frozen_fills_stay_put_under_weight_decay(data, mlp, compiled, random_masks):
    model = compiled(mlp(), opt.AdamW(0.01, weight_decay=0.5))
    toolkit.mask(model, parametrization="frozen")
    start = masking.get_weights(model)
    masks = random_masks(model)
    masking.set_masks(model, masks, {path: start[path] for path in masks})
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    used = masking.effective_weights(model)
    for path, mask in masks.items():
        assert np.array_equal(used[path][~mask], start[path][~mask])
        assert np.all(used[path][mask] != start[path][mask])
    assert_sparse(model)


def test_weights_written_past_the_masks_are_pruned_before_training(
    data, mlp, compiled, random_masks
):
    model = compiled(toolkit.mask(mlp()), "adam")
    masking.set_masks(model, random_masks(model))
    kernel = masking.variables(model)["layers/dense/kernel"]
    kernel.assign(np.ones(kernel.shape))
    model.fit(*data, batch_size=8, verbose=0)
    assert assert_sparse(model) == 6
    model.set_weights([np.ones_like(w) if w.dtype != bool else w for w in model.get_weights()])
    weights = masking.get_weights(model)
    for path, mask in masking.get_masks(model).items():
        assert np.array_equal(weights[path], mask)


def fitted(model, x, y):
    return model.fit(x, y, batch_size=len(x), verbose=0).history["loss"][0]


def fitted_here(model, x, y):
    return training.fit(model, x, y, batch_size=len(x), verbose=0).history["loss"][0]


def trained_on_batch(model, x, y):
    return model.train_on_batch(x, y)


@pytest.mark.parametrize("train", [fitted, fitted_here, trained_on_batch])
def test_the_first_step_ignores_weights_written_past_the_masks(train):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((3, 1))])
    model.compile("sgd", "mse")
    toolkit.mask(model, in_place=True)
    masking.set_masks(model, {"layers/dense/kernel": np.array([[1], [0], [0]])})
    model.layers[0].kernel.assign(np.ones((3, 1)))
    loss = train(model, np.ones((4, 3), np.float32), np.zeros((4, 1), np.float32))
    assert float(loss) == 1


def test_zeros_that_are_taken_for_pruned_leave_no_momentum(data, mlp, compiled):
    model = compiled(mlp(), keras.optimizers.SGD(0.1, momentum=0.9))
    model.fit(*data, batch_size=8, verbose=0)
    kernel = masking.variables(model)["layers/dense/kernel"]
    zeros = np.random.default_rng(0).random(kernel.shape) < 0.5
    kernel.assign(np.where(zeros, 0, keras.ops.convert_to_numpy(kernel.value)))
    toolkit.mask(model, from_zeros=True, in_place=True)
    momenta = [v for v in model.optimizer.variables if v.shape == kernel.shape]
    assert momenta
    assert all(not keras.ops.convert_to_numpy(v.value)[zeros].any() for v in momenta)


class Assign(keras.callbacks.Callback):
    """Writes ones to a layer's kernel in a hook: through the layer, or past its masks."""

    def __init__(self, layer, hook, past_masks=True):
        super().__init__()
        self.layer, self.past_masks = layer, past_masks
        setattr(self, hook, self.write)

    def write(self, index=None, logs=None):
        masking.sync_trainer(self.model)
        if self.past_masks:
            self.layer.kernel.assign(np.ones((6, 1)))
        else:
            self.layer.set_weights([np.ones((6, 1)), *self.layer.get_weights()[1:]])


ONES = np.ones((4, 6), "float32"), np.zeros((4, 1), "float32")


def one_weight(masked=True):
    """Returns a model that keeps one of six weights, and trains none; its loss on ONES is 1."""
    inputs = keras.Input((6,))
    kernel = L.Dense(1, use_bias=False, kernel_initializer="ones")
    model = keras.Model(inputs, kernel(inputs))
    model.compile(opt.SGD(0.0), "mse")
    if masked:
        keep_one(model)
    return model


def keep_one(model):
    toolkit.mask(model, output=True)
    masking.set_masks(model, {"layers/dense/kernel": np.eye(6, 1, dtype=bool)})


WAYS = {
    "keras": lambda m, *data, callbacks: m.fit(*data, 2, 2, 0, callbacks),  # by position
    "arrays": lambda m, *data, callbacks: training.fit(
        m, *data, batch_size=2, epochs=2, verbose=0, callbacks=callbacks
    ),
    "dataset": lambda m, *data, callbacks: training.fit(
        m, Batches(*data, size=2), epochs=2, verbose=0, callbacks=callbacks
    ),
}


@pytest.mark.parametrize("past_masks", [False, True], ids=["set_weights", "assign"])
@pytest.mark.parametrize("hook", ["on_epoch_end", "on_epoch_begin", "on_train_batch_end"])
@pytest.mark.parametrize("fit", WAYS.values(), ids=WAYS)
def test_weights_that_a_callback_writes_are_pruned_before_the_next_step(fit, hook, past_masks):
    model = one_weight()
    write = Assign(model.layers[-1], hook, past_masks)
    history = fit(model, *ONES, callbacks=[write])
    assert history.history["loss"] == [1, 1]  # 36 if the dense network took a step
    assert np.array_equal(masking.get_weights(model)["layers/dense/kernel"], np.eye(6, 1))


def test_weights_that_a_callback_writes_into_a_model_masked_during_fit():
    model = one_weight(masked=False)
    mask = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: keep_one(model))
    write = Assign(model.layers[-1], "on_train_batch_end")
    history = model.fit(*ONES, batch_size=2, epochs=2, verbose=0, callbacks=[mask, write])
    assert history.history["loss"] == [1, 1]


def test_weights_written_between_batches_are_pruned_before_the_next_one():
    model, ones = one_weight(), np.ones((6, 1), "float32")
    assert float(model.train_on_batch(*ONES)) == 1
    model.layers[-1].kernel.assign(ones)
    assert float(model.train_on_batch(*ONES)) == 1
    masking.set_weights(model, {"layers/dense/kernel": ones})
    assert float(model.train_on_batch(*ONES)) == 1
