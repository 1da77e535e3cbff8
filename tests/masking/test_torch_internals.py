"""What replaces Keras' own code on torch computes the same."""

from contextlib import nullcontext
from importlib import import_module

import keras
import numpy as np
import pytest

from keras_lottery.masking import keras_internals as internals
from keras_lottery.training.optimizers import L2Adam

L = keras.layers
opt = keras.optimizers
pytestmark = [
    pytest.mark.backend,
    pytest.mark.skipif(keras.config.backend() != "torch", reason="nothing is replaced"),
]


@pytest.mark.parametrize(
    "make",
    [
        lambda: opt.Adam(0.01),
        lambda: opt.Adam(0.01, amsgrad=True, clipnorm=0.5),
        lambda: opt.AdamW(opt.schedules.ExponentialDecay(0.01, 2, 0.5), weight_decay=0.1),
        lambda: opt.LossScaleOptimizer(opt.Adam(0.01, gradient_accumulation_steps=2)),
        lambda: L2Adam(0.01, l2=0.1, clipnorm=0.5),
        lambda: opt.RMSprop(0.01),
    ],
    ids=["adam", "amsgrad", "adamw", "wrapped", "l2", "rmsprop"],
)
def test_the_fused_kernel_computes_adam(make):
    rng = np.random.default_rng(0)
    starts = [rng.normal(size=shape).astype("float32") for shape in ((7, 5), (5,))]
    gradients = [[rng.normal(size=s.shape).astype("float32") for s in starts] for _ in range(6)]

    def trained(fused):
        variables = [keras.Variable(start) for start in starts]
        optimizer = make()
        optimizer.build(variables)
        if not fused:
            return _apply(optimizer, variables, gradients)
        with internals.fused_adam(optimizer):
            found = _apply(optimizer, variables, gradients)
        assert "_backend_update_step" not in vars(internals.innermost(optimizer))
        return found

    for one, other, start in zip(trained(True), trained(False), starts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)
        assert np.all(one != start)


def _apply(optimizer, variables, gradients):
    for step in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in step], variables)
    return [keras.ops.convert_to_numpy(v.value) for v in variables]


@pytest.mark.parametrize("make", [lambda: opt.Adam(0.1), lambda: L2Adam(0.1, l2=0.1)])
def test_adam_runs_in_torchs_kernel_and_a_transposed_weight_in_keras_own(make, monkeypatch):
    import torch

    calls = []
    kernel = torch._fused_adam_
    monkeypatch.setattr(torch, "_fused_adam_", lambda *a, **k: (calls.append(1), kernel(*a, **k)))
    for value, expected in ((torch.ones(3, 2), 1), (torch.ones(2, 3).t(), 0)):
        calls.clear()
        variable = keras.Variable(torch.nn.Parameter(value))
        optimizer = make()
        optimizer.build([variable])
        with internals.fused_adam(optimizer):
            optimizer.apply([torch.ones(3, 2)], [variable])
        assert len(calls) == expected
        np.testing.assert_allclose(keras.ops.convert_to_numpy(variable.value), 0.9, rtol=1e-5)


def test_images_without_copies_give_the_same_outputs():
    inputs = keras.Input((8, 8, 3))
    x = L.MaxPooling2D(2)(L.Conv2D(4, 3, padding="same", activation="relu")(inputs))
    x = L.AveragePooling2D(2)(L.SeparableConv2D(5, 3, strides=2, padding="same")(x))
    line = L.Conv1D(2, 1)(L.Reshape((1, 5))(x))
    model = keras.Model(inputs, [x, line])
    images = np.random.default_rng(0).normal(size=(4, 8, 8, 3)).astype("float32")
    expected = model(images)
    with internals.native_kernels(), internals.native_kernels():
        found = model(images)
    for one, other in zip(found, expected, strict=True):
        arrays = keras.ops.convert_to_numpy(one), keras.ops.convert_to_numpy(other)
        np.testing.assert_allclose(*arrays, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layer", [L.LSTM, L.GRU])
def test_recurrent_layers_in_torchs_kernel_compute_the_same_and_train_alike(layer, monkeypatch):
    import torch

    x = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32"))
    name, calls = layer.__name__.lower(), []
    has_loop = hasattr(import_module("keras.src.backend.torch.rnn"), f"_fallback_{name}")
    kernel = getattr(torch._VF, name)
    monkeypatch.setattr(torch._VF, name, lambda *a: (calls.append(1), kernel(*a))[1])
    for fields, expected in (
        ({"return_sequences": True}, 1),
        ({"go_backwards": True, "return_state": True}, 1),
        ({"activation": "relu"}, 0),
        ({"recurrent_activation": "hard_sigmoid"}, 0),
        ({"use_bias": False}, 0),
        ({"dtype": "float64"}, 0),
    ):
        one = layer(5, **fields)
        results = []
        for fast in (nullcontext, internals.native_kernels):
            calls.clear()
            with fast():
                outputs = keras.tree.flatten(one(x))
            sum((output**2).sum() for output in outputs).backward()
            gradients = [variable.value.grad.clone() for variable in one.trainable_variables]
            results.append([o.detach().numpy() for o in [*outputs, *gradients]])
            one.zero_grad()
        assert len(calls) == (expected if has_loop else 0)
        for loop, native in zip(*results, strict=True):
            np.testing.assert_allclose(native, loop, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("layer", "states"), [(L.LSTM, 2), (L.GRU, 1)])
def test_recurrent_layers_with_one_state_for_all_sequences_or_in_vmap_run_in_keras_loop(
    layer, states
):
    import torch

    x = torch.from_numpy(np.random.default_rng(0).normal(size=(30, 6, 4)).astype("float32"))
    one = layer(5)
    one.build((None, 6, 4))
    for compute in (
        lambda: one(x, initial_state=[torch.full((1, 5), 0.1)] * states),
        lambda: torch.vmap(lambda sequence: one(sequence[None])[0])(x),
    ):
        expected = compute().detach().numpy()
        with internals.native_kernels():
            np.testing.assert_allclose(compute().detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_images_stay_as_they_are_while_anybody_asks_for_it():
    import torch
    from keras.src.backend.torch import nn

    image, copies = torch.ones(1, 2, 2, 3), nn._transpose_spatial_inputs
    first, second = internals.native_kernels(), internals.native_kernels()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert nn._transpose_spatial_inputs(image).data_ptr() == image.data_ptr()
    assert nn._transpose_spatial_inputs(torch.ones(1, 2, 3)).shape == (1, 3, 2)
    second.__exit__(None, None, None)
    assert nn._transpose_spatial_inputs is copies


def test_results_are_skipped_unless_the_model_has_its_own():
    class Own(keras.Sequential):
        def get_metrics_result(self):
            return {"mine": 1.0}

    for cls, expected in ((keras.Sequential, {}), (Own, {"mine": 1.0})):
        model = cls([keras.Input((2,)), L.Dense(1)])
        model.compile("sgd", "mse")
        with internals.without_results(model):
            assert model.get_metrics_result() == expected
        assert "get_metrics_result" not in vars(model)
