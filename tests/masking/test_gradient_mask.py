"""Optimizers can't move pruned weights, even if the functional mask doesn't cover the gradient."""

import copy
from functools import partial

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit, training
from keras_lottery.masking import gradient_mask
from keras_lottery.masking.masked_variable import MaskedVariable
from tests.keras_features import needs_multi_optimizer, needs_muon

L = keras.layers
opt = keras.optimizers
pytestmark = pytest.mark.backend


class CallsSublayers(keras.Model):
    """A `train_step` that never goes through the model's `call`, and reads a weight raw."""

    def __init__(self):
        super().__init__()
        self.first = L.Dense(5, "tanh")
        self.second = L.Dense(5)

    def call(self, x):
        return self.second(self.first(x))

    def _loss_of(self, x, y):
        hidden = self.first(x)
        raw = keras.ops.matmul(hidden, keras.ops.convert_to_tensor(self.second.kernel))
        out = self.second(hidden) + raw
        return keras.ops.mean(
            keras.losses.sparse_categorical_crossentropy(y, out, from_logits=True)
        )

    def train_step(self, *args):
        return getattr(self, f"_{keras.config.backend()}_step")(*args)

    def _tensorflow_step(self, data):
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = self._loss_of(*data)
        variables = self.trainable_variables
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return {"loss": loss}

    def _torch_step(self, data):
        import torch

        self.zero_grad()
        loss = self._loss_of(*data)
        loss.backward()
        variables = self.trainable_variables
        with torch.no_grad():
            self.optimizer.apply([v.value.grad for v in variables], variables)
        return {"loss": loss}

    def _jax_step(self, state, data):
        import jax

        trained, fixed, slots, metrics = state

        def of(values):
            mapping = [
                *zip(self.trainable_variables, values),
                *zip(self.non_trainable_variables, fixed),
            ]
            with keras.StatelessScope(state_mapping=mapping):
                return self._loss_of(*data[:2])

        loss, gradients = jax.value_and_grad(of)(trained)
        trained, slots = self.optimizer.stateless_apply(slots, gradients, trained)
        return {"loss": loss}, (trained, fixed, slots, metrics)


def stored_and_slots(model):
    weights, variables = masking.get_weights(model), masking.variables(model)
    for path, mask in masking.get_masks(model).items():
        yield path, mask, weights[path]
        for slot in gradient_mask.slots(model.optimizer, variables[path]):
            yield slot.variable.name, mask, keras.ops.convert_to_numpy(slot.variable.value)


def assert_zero(model):
    for name, mask, value in stored_and_slots(model):
        assert np.all(value[~mask] == 0), name


@pytest.fixture
def sublayers(random_masks, data):
    model = CallsSublayers()
    model(data[0])
    toolkit.mask(model)
    masking.set_masks(model, random_masks(model))
    return model


@pytest.mark.parametrize("optimizer", [opt.Adam, pytest.param(opt.Muon, marks=needs_muon), opt.SGD])
def test_a_train_step_that_calls_sublayers_and_reads_raw(optimizer, sublayers, data, compiled):
    model = compiled(sublayers, optimizer())
    before = masking.get_weights(model)
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    assert_zero(model)
    assert all(
        np.any(before[p] != w) for p, w in masking.get_weights(model).items() if "bias" not in p
    )
    masking.set_masks(model, {p: ~m for p, m in masking.get_masks(model).items()})
    model.fit(*data, batch_size=8, epochs=2, verbose=0)  # the masks of before are not compiled in
    assert_zero(model)


def test_without_the_guard_the_raw_read_revives_weights(sublayers, data, compiled, monkeypatch):
    model = compiled(sublayers, "adam")
    monkeypatch.setattr(MaskedVariable, "mask_for", lambda record, value: None)
    revived = []

    def look(batch, logs):
        weights = masking.get_weights(model)
        revived.extend(weights[p][~m].any() for p, m in masking.get_masks(model).items())

    looking = keras.callbacks.LambdaCallback(on_train_batch_end=look)  # `fit` ends with zeros
    model.fit(*data, batch_size=8, epochs=2, verbose=0, callbacks=[looking])
    assert any(revived)


class Pull(keras.regularizers.Regularizer):
    """Pulls every weight to one."""

    def __call__(self, x):
        return keras.ops.sum(keras.ops.square(x - 1.0))


class Push(keras.constraints.Constraint):
    def __call__(self, w):
        return w + 0.5


@pytest.mark.parametrize(
    "arguments",
    [
        {"kernel_regularizer": Pull()},
        {"kernel_constraint": Push()},
        {"kernel_constraint": "max_norm"},
    ],
    ids=["regularizer", "constraint", "max_norm"],
)
def test_regularizers_and_constraints_revive_nothing(
    arguments, two_layers, data, compiled, random_masks
):
    model = compiled(
        toolkit.mask(two_layers(**arguments)), opt.SGD(0.01, momentum=0.9, global_clipnorm=1.0)
    )
    masking.set_masks(model, random_masks(model))
    model.fit(*data, batch_size=8, epochs=2, verbose=0)
    assert_zero(model)


def test_a_regularizer_of_pruned_weights_does_not_count_in_the_global_norm(data, compiled):
    def train(pull):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((6,)), L.Dense(3, kernel_regularizer=pull)])
        compiled(toolkit.mask(model), opt.SGD(1.0, global_clipnorm=0.1))
        mask = np.zeros((6, 3), bool)
        mask[:1] = True
        masking.set_masks(model, {"layers/dense/kernel": mask})
        before = masking.get_weights(model)
        model.fit(*data, batch_size=32, verbose=0)
        after = masking.get_weights(model)
        moved = [after[p] - before[p] for p in after]
        return np.sqrt(sum(np.sum(np.square(m)) for m in moved))

    assert train(Pull()) == pytest.approx(0.1, rel=1e-4)


def test_the_guard_survives_compiling_again_copying_and_loss_scaling(
    two_layers, data, compiled, random_masks
):
    model = toolkit.mask(two_layers(kernel_regularizer=Pull()))
    masking.set_masks(model, random_masks(model))
    compiled(model, opt.Adam(0.01))
    copied = copy.deepcopy(model.optimizer)
    for optimizer in (model.optimizer, copied, opt.LossScaleOptimizer(opt.SGD(0.01))):
        compiled(model, optimizer)
        model.fit(*data, batch_size=8, verbose=0)
        assert_zero(model)


@needs_muon
def test_a_model_of_wrapped_layers_is_guarded_once_it_is_pruned(data, compiled, random_masks):
    layer = toolkit.Masked(L.Dense(3, kernel_regularizer=Pull()))
    model = compiled(keras.Sequential([keras.Input((6,)), layer]), opt.Muon())
    masking.set_masks(model, random_masks(model))
    for _ in range(2):
        model.fit(*data, batch_size=8, verbose=0)
        assert_zero(model)


def test_an_optimizer_put_on_the_model_by_hand_is_guarded(two_layers, data, compiled, random_masks):
    model = compiled(toolkit.mask(two_layers(kernel_regularizer=Pull())), "sgd")
    masking.set_masks(model, random_masks(model))
    model.optimizer = opt.Adam(0.01)
    model.fit(*data, batch_size=8, verbose=0)
    assert_zero(model)


def test_step_scope_tells_a_custom_jax_step_the_masks(mlp, random_masks):
    if keras.config.backend() != "jax":
        pytest.skip("only JAX traces the optimizer without its masks")
    import jax

    model = toolkit.mask(mlp())
    optimizer = opt.Muon(0.01)
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)

    @jax.jit
    def step(trained, fixed, slots):
        gradients = [jax.numpy.ones_like(value) for value in trained]
        with masking.step_scope(model, fixed):
            return optimizer.stateless_apply(slots, gradients, trained)

    for seed in range(2):
        masks = random_masks(model, seed)
        masking.set_masks(model, masks)
        trained = [v.value for v in model.trainable_variables]
        fixed = [v.value for v in model.non_trainable_variables]
        moved, _ = step(trained, fixed, [v.value for v in optimizer.variables])
        by_id = {id(v): np.asarray(value) for v, value in zip(model.trainable_variables, moved)}
        for path, variable in masking.variables(model).items():
            if path in masks:
                assert np.all(by_id[id(variable)][~masks[path]] == 0)
                assert np.all(by_id[id(variable)][masks[path]] != 0)


@pytest.mark.skipif(keras.config.backend() != "torch", reason="compiled steps rely on the zeros")
@pytest.mark.parametrize("parametrization", ["zero", "frozen"])
def test_keras_step_reads_no_pruned_weight_whatever_wrote_to_it(
    parametrization, mlp, data, compiled, random_masks
):
    """A write that torch doesn't count, as by its own fused optimizers."""
    losses = []
    for spoiled in (False, True):
        keras.utils.set_random_seed(0)
        model = toolkit.mask(mlp(), parametrization=parametrization)
        compiled(model, opt.SGD(0.1, momentum=0.9))
        masking.set_masks(model, random_masks(model))
        model.train_on_batch(*data)
        for path, variable in masking.variables(model).items() if spoiled else ():
            if (mask := masking.get_masks(model).get(path)) is not None:
                variable.value.data[keras.ops.convert_to_tensor(~mask)] = 9.0
        losses.append(model.train_on_batch(*data))
        assert_zero(model)
    assert losses[0] == losses[1]


@pytest.mark.skipif(keras.config.backend() != "torch", reason="Parameter.grad is torch's")
def test_keras_step_leaves_no_gradient_where_pruned(mlp, data, compiled, random_masks):
    model = compiled(toolkit.mask(mlp(kernel_regularizer=Pull())), "adam")
    masking.set_masks(model, random_masks(model))
    model.train_on_batch(*data)
    masks = masking.get_masks(model)
    for path, variable in masking.variables(model).items():
        if path in masks:
            gradient = keras.ops.convert_to_numpy(variable.value.grad)
            assert np.all((gradient != 0) == masks[path])


@pytest.mark.skipif(keras.config.backend() != "torch", reason="other backends always mask it")
def test_a_loss_that_differentiates_by_weights_sees_them_masked(data, random_masks):
    import torch

    norms = []

    class Penalty(keras.Sequential):
        def compute_loss(self, *args, **kwargs):
            loss = super().compute_loss(*args, **kwargs)
            if not loss.requires_grad:  # while Keras builds the metrics
                return loss
            kernel = self.layers[0].kernel
            (gradient,) = torch.autograd.grad(loss, kernel.value, create_graph=True)
            norms.append(gradient.detach()[~self.kept].abs().max())
            return loss + gradient.square().sum()

    model = Penalty([keras.Input((6,)), L.Dense(3)])
    toolkit.mask(model)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    masks = random_masks(model)
    masking.set_masks(model, masks)
    model.kept = torch.from_numpy(masks["layers/dense/kernel"])
    model.train_on_batch(*data)
    assert norms == [0.0]
    assert_zero(model)


@needs_multi_optimizer
def test_a_loaded_model_with_several_optimizers_has_no_momentum_of_pruned_weights(
    tmp_path, mlp, data, compiled
):
    inner = opt.Adam(0.01), opt.SGD(0.1, momentum=0.9)
    by_path = opt.OptimizerMap(inner[0], {".*dense.*kernel": inner[1]})
    compiled(model := mlp(), opt.MultiOptimizer(by_path)).fit(*data, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    toolkit.prune(loaded, 0.8)
    momenta = 0
    for path, mask in masking.get_masks(loaded).items():
        for optimizer in loaded.optimizer.optimizers:
            for slot in gradient_mask.slots(optimizer, masking.variables(loaded)[path]):
                momenta += 1
                assert not keras.ops.convert_to_numpy(slot.variable.value)[~mask].any()
    assert momenta


def pruned_slots(masked, optimizers):
    """Returns the values of the slots of pruned weights."""
    variables, found = masking.variables(masked), []
    for path, mask in masking.get_masks(masked).items():
        slots = [s for o in optimizers for s in gradient_mask.slots(o, variables[path])]
        found += [keras.ops.convert_to_numpy(slot.variable.value)[~mask] for slot in slots]
    assert found
    return np.concatenate(found)


@pytest.mark.parametrize("make", [opt.Adam, opt.Adafactor], ids=["adam", "adafactor"])
def test_an_optimizer_of_a_model_around_the_masked_one_has_no_slots_of_pruned_weights(
    make, mlp, data, compiled
):
    toolkit.prune(masked := mlp(kernel_regularizer=keras.regularizers.L1(0.01)), 0.5)
    inputs = keras.Input((6,))
    outer = compiled(keras.Model(inputs, masked(inputs)), make(0.01))
    outer.fit(*data, verbose=0)
    assert not pruned_slots(masked, [outer.optimizer]).any()


@needs_multi_optimizer
@pytest.mark.parametrize("by_keras", [True, False])
def test_several_optimizers_keep_no_momentum_of_pruned_weights(
    by_keras, two_layers, data, compiled
):
    inner = opt.Adam(0.01), opt.Adafactor(0.01)
    toolkit.prune(model := two_layers(kernel_regularizer=keras.regularizers.L1(0.01)), 0.5)
    by_shape = opt.MultiOptimizer(lambda variable: inner[variable.shape[0] == 6])
    compiled(model, by_shape)
    fit = model.fit if by_keras else partial(training.fit, model)
    fit(*data, batch_size=8, verbose=0)
    assert not pruned_slots(model, inner).any()
