"""Whoever trains a masked model, and however it is masked: stored pruned weights stay zero."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.masking import gradient_mask
from tests.keras_features import needs_distiller, needs_muon

L = keras.layers
pytestmark = pytest.mark.backend
GradualPruning = kl.callbacks.GradualPruning
LOSS = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def network():
    return keras.Sequential([keras.Input((6,)), L.Dense(8, "relu"), L.Dense(3)])


def assert_stored_zeros(model, sparsity):
    masks, weights = masking.get_masks(model), masking.get_weights(model)
    assert np.mean(np.concatenate([m.ravel() for m in masks.values()])) == pytest.approx(
        1 - sparsity, abs=0.02
    )
    assert all(np.all(weights[path][~mask] == 0) for path, mask in masks.items())


def distiller(teacher, student):
    loss = keras.distillation.LogitsDistillation()
    return keras.distillation.Distiller(teacher, student, distillation_losses=loss)


def momentum():
    return keras.optimizers.SGD(0.1, momentum=0.9)


@needs_distiller
def test_a_student_is_trained_by_the_distillers_optimizer(data, compiled):
    teacher, student = network(), kl.mask(compiled(network()))
    student.fit(*data, verbose=0)  # has an optimizer of its own, with slots of its own
    whole = distiller(teacher, student)
    compiled(whole, momentum())
    whole.fit(*data, batch_size=8, verbose=0)
    kl.prune(whole.student, 0.8)
    whole.fit(*data, batch_size=8, verbose=0)
    assert_stored_zeros(student, 0.8)


@needs_distiller
def test_a_frozen_teacher_is_not_pruned(data, compiled):
    teacher, student = network(), network()
    whole = compiled(distiller(teacher, student), "sgd")
    before = [w.copy() for w in teacher.get_weights()]
    pruning = GradualPruning(0.5, 4, frequency=2, output=False)
    whole.fit(*data, batch_size=8, verbose=0, callbacks=[pruning])
    assert not masking.is_masked(teacher)
    assert all(map(np.array_equal, before, teacher.get_weights()))
    assert list(masking.get_masks(student)) == ["layers/dense/kernel"]
    assert_stored_zeros(student, 0.5)


def gradients(model, x, y):
    """Returns the gradients of a loss of a model's outputs, taken by hand."""
    variables = model.trainable_variables
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = LOSS(y, model(x, training=True))
        return tape.gradient(loss, variables)
    if keras.config.backend() == "torch":
        model.zero_grad()
        LOSS(keras.ops.convert_to_tensor(y), model(x, training=True)).backward()
        return [v.value.grad for v in variables]
    import jax

    def loss_at(values):
        outputs, _ = model.stateless_call(
            values, [v.value for v in model.non_trainable_variables], x, training=True
        )
        return LOSS(y, outputs)

    return jax.grad(loss_at)([v.value for v in variables])


class Parent(keras.Model):
    """A plain model around a masked one."""

    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def call(self, x):
        return self.inner(x)


class Coupled(keras.optimizers.SGD):
    """Moves every weight, whatever its gradient."""

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient + 0.1, variable, learning_rate)

    def _parallel_update_step(self, grads, variables, learning_rate):
        for gradient, variable in zip(grads, variables):
            self.update_step(gradient, variable, learning_rate)


def pulled():
    """Returns a network with a regularizer, which reads weights without their masks."""
    pull = keras.regularizers.L2(0.1)
    return keras.Sequential(
        [keras.Input((6,)), L.Dense(8, "relu", kernel_regularizer=pull), L.Dense(3)]
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        pytest.param(
            lambda: keras.optimizers.Muon(0.01, use_ema=True, ema_momentum=0.5), marks=needs_muon
        ),
        lambda: keras.optimizers.AdamW(0.01, weight_decay=0.1),
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.5),
        lambda: keras.optimizers.Adafactor(0.01),
        lambda: keras.optimizers.Lion(0.01, gradient_accumulation_steps=2),
        pytest.param(
            lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Muon(0.01)),
            marks=needs_muon,
        ),
        Coupled,
    ],
    ids=["muon", "adamw", "sgd", "adafactor", "lion", "loss_scale", "coupled"],
)
def test_the_optimizer_of_an_unmasked_parent_moves_no_pruned_weight(optimizer, data, compiled):
    model = kl.mask(pulled())
    kl.prune(model, 0.8)
    parent = compiled(Parent(model), optimizer())  # which nobody could know when pruning
    for _ in range(2):
        before, masks = masking.get_weights(model), masking.get_masks(model)
        parent.fit(*data, batch_size=8, verbose=0)
        assert_stored_zeros(model, 0.8)
        after = masking.get_weights(model)
        for path, mask in masks.items():
            assert np.any(before[path][mask] != after[path][mask]), path
            assert np.all(after[path][mask] != 0), path
        # The compiled step follows other masks.
        masking.set_weights(model, {path: weight + 0.1 for path, weight in after.items()})
        masking.set_masks(model, {path: np.roll(mask, 1) for path, mask in masks.items()})


def test_a_parent_that_was_trained_before_masking_follows_the_masks(data, compiled):
    model = network()
    parent = compiled(Parent(model), momentum())
    parent.fit(*data, batch_size=8, verbose=0)
    kl.prune(model, 0.8)
    for path, variable in masking.variables(model).items():
        for slot in gradient_mask.slots(parent.optimizer, variable):
            kept = masking.get_masks(model).get(path, True)
            assert np.all(np.where(kept, 0, keras.ops.convert_to_numpy(slot.variable.value)) == 0)
    parent.fit(*data, batch_size=8, verbose=0)
    assert_stored_zeros(model, 0.8)
    plain = kl.strip(model)
    plain.compile(loss=LOSS)
    logs = parent.evaluate(*data, verbose=0)
    assert logs == pytest.approx(plain.evaluate(*data, verbose=0), rel=1e-5)


@pytest.mark.parametrize(
    "make", [momentum, pytest.param(lambda: keras.optimizers.Muon(0.01), marks=needs_muon)]
)
def test_loops_by_hand_with_an_optimizer_for_each_network(make, data):
    """As a GAN's two networks are trained: no model is compiled, so none has an optimizer."""
    pair = [(kl.mask(network()), make()) for _ in range(2)]

    def train():
        for model, optimizer in pair:
            found = gradients(model, *data)
            if keras.config.backend() == "torch":
                import torch

                with torch.no_grad():
                    optimizer.apply(found, model.trainable_variables)
            else:
                optimizer.apply(found, model.trainable_variables)

    train()
    for model, _ in pair:
        kl.prune(model, 0.8)
    for _ in range(3):
        train()
    for model, _ in pair:
        assert_stored_zeros(model, 0.8)


def test_train_on_batch(data, compiled):
    model = compiled(kl.mask(network()), momentum())
    model.train_on_batch(*data)
    kl.prune(model, 0.8)
    for _ in range(3):
        model.train_on_batch(*data)
    assert_stored_zeros(model, 0.8)


class Several(keras.Model):
    """Holds optimizers under other names, and a network with one of its own."""

    def __init__(self):
        super().__init__()
        self.inner = network()

    def call(self, x):
        return self.inner(x)


def test_optimizers_in_attributes_are_found_before_they_are_built():
    model = Several()
    model.optimizers = {"one": momentum(), "two": keras.optimizers.Muon(0.01)}
    model.inner.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()))
    found = gradient_mask.optimizers(model)
    assert sorted(type(one).__name__ for one in found) == ["Adam", "Muon", "SGD"]


def test_an_unbuilt_model_is_masked_on_the_fly_with_the_options_given(data, compiled):
    model = compiled(keras.Sequential([L.Dense(8, "relu", name="first"), L.Dense(3)]))
    model.fit(
        *data,
        batch_size=8,
        verbose=0,
        callbacks=[GradualPruning(0.5, 4, frequency=2, exclude="first")],
    )
    assert list(masking.get_masks(model)) == ["layers/dense_1/kernel"]
    assert_stored_zeros(model, 0.5)


@pytest.mark.parametrize("inner", [L.Dense(6), L.Embedding(9, 6)], ids=["kernel", "embeddings"])
def test_the_wrapper_of_spectral_normalization_owns_the_mask(inner, data, compiled):
    x = data[0] if isinstance(inner, L.Dense) else np.abs(data[0]).astype("int32")
    after = L.Dense(3) if isinstance(inner, L.Dense) else L.GlobalAveragePooling1D()
    model = keras.Sequential([keras.Input((6,)), L.SpectralNormalization(inner), after])
    compiled(kl.mask(model), momentum())
    rows = {row.path.rsplit("/", 1)[1]: row for row in kl.summary(model).rows}
    assert rows["kernel"].prunable and rows["vector_u"].reason == "not trainable"
    model.fit(x, data[1], batch_size=8, verbose=0)
    kl.prune(model, 0.5, scope="layer")
    model.fit(x, data[1], batch_size=8, verbose=0)
    assert_stored_zeros(model, 0.5)
    plain = kl.strip(model)
    kernel = keras.ops.convert_to_numpy(plain.layers[0].kernel)
    assert np.mean(kernel == 0) == pytest.approx(0.5, abs=0.02)
    assert np.allclose(model.predict(x, verbose=0), plain.predict(x, verbose=0), atol=1e-6)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="steps of two jitted functions")
def test_a_jitted_update_compiles_no_mask_in():
    import jax

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, use_bias=False)])
    kl.mask(model, in_place=True)
    optimizer = keras.optimizers.SGD(0.1)
    optimizer.build(model.trainable_variables)
    x = np.eye(3, dtype=np.float32)

    def loss(trainable, fixed):
        outputs, _ = model.stateless_call(trainable, fixed, x)
        return ((outputs - 1) ** 2).mean()

    gradients, update = jax.jit(jax.grad(loss)), jax.jit(optimizer.stateless_apply)

    def step():
        trainable = [v.value for v in model.trainable_variables]
        fixed = [v.value for v in model.non_trainable_variables]
        slots = [v.value for v in optimizer.variables]
        computed = gradients(trainable, fixed)
        model(x)  # reads a concrete mask before the update is traced
        new, _ = update(slots, computed, trainable)
        for variable, value in zip(model.trainable_variables, new):
            variable.assign(value)

    masking.set_masks(model, {"layers/dense/kernel": np.eye(3, 4, dtype=bool)})
    step()
    masking.set_masks(model, {})
    for _ in range(2):
        step()
    assert np.all(masking.get_weights(model)["layers/dense/kernel"] != 0)
