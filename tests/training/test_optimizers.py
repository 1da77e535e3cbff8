"""L2 in the gradient, as the papers' PyTorch code has it, at values worked out in NumPy."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.config.build import build
from keras_lottery.config.sections import OptimizerConfig
from keras_lottery.errors import LotteryError
from keras_lottery.training.optimizers import L2SGD, build_optimizer

pytestmark = pytest.mark.backend

STEPS, RATE, L2, MOMENTUM = 10, 0.1, 0.01, 0.9
START = {"kernel": np.array([[1.0, -2.0], [0.5, 3.0]]), "bias": np.array([0.25, -0.5])}
GRADIENTS = np.random.default_rng(0).normal(size=(STEPS, 6)).astype("float32")


def split(flat):
    return {"kernel": flat[:4].reshape(2, 2), "bias": flat[4:]}


def trained(config: OptimizerConfig, steps: int = STEPS) -> dict[str, np.ndarray]:
    """Applies the gradients to a kernel and a bias."""
    optimizer = build_optimizer(config, steps_per_epoch=1, total_steps=STEPS)
    variables = {name: keras.Variable(value, name=name) for name, value in START.items()}
    for flat in GRADIENTS[:steps]:
        gradients = [keras.ops.convert_to_tensor(g) for g in split(flat).values()]
        optimizer.apply(gradients, list(variables.values()))
    return {name: keras.ops.convert_to_numpy(v.value) for name, v in variables.items()}


def sgd_in_numpy(clipnorm=None):
    """v = 0.9 v + (clipped g + l2 w); w = w - 0.1 v, for every variable."""
    weights = {name: value.copy() for name, value in START.items()}
    velocity = {name: np.zeros_like(value) for name, value in START.items()}
    for flat in GRADIENTS:
        for name, gradient in split(flat.astype(float)).items():
            factor = min(1, clipnorm / np.linalg.norm(gradient)) if clipnorm else 1
            velocity[name] = MOMENTUM * velocity[name] + factor * gradient + L2 * weights[name]
            weights[name] = weights[name] - RATE * velocity[name]
    return weights


SGD = {"name": "sgd", "learning_rate": RATE, "momentum": MOMENTUM, "l2": L2}


@pytest.mark.parametrize("clipnorm", [None, 0.5])
def test_sgd_adds_l2_after_clipping_and_before_momentum(clipnorm):
    ours, expected = trained(OptimizerConfig(**SGD, clipnorm=clipnorm)), sgd_in_numpy(clipnorm)
    for name in START:
        np.testing.assert_allclose(ours[name], expected[name], rtol=1e-5)


def test_adam_takes_the_moments_of_the_gradient_with_l2():
    ours = trained(OptimizerConfig("adam", learning_rate=RATE, l2=L2), steps=1)
    # After one step bias-corrected moments are g and g², so w moves by the sign of g + l2 w.
    for name, gradient in split(GRADIENTS[0].astype(float)).items():
        expected = START[name] - RATE * np.sign(gradient + L2 * START[name])
        np.testing.assert_allclose(ours[name], expected, rtol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="compares with PyTorch's own loop")
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_ten_steps_equal_those_of_pytorch(name):
    import torch

    config = OptimizerConfig(**SGD) if name == "sgd" else OptimizerConfig("adam", RATE, l2=L2)
    weights = [torch.nn.Parameter(torch.tensor(v, dtype=torch.float32)) for v in START.values()]
    own = (
        torch.optim.SGD(weights, RATE, MOMENTUM, weight_decay=L2)
        if name == "sgd"
        else torch.optim.Adam(weights, RATE, eps=1e-7, weight_decay=L2)
    )
    for flat in GRADIENTS:
        for weight, gradient in zip(weights, split(flat).values()):
            weight.grad = torch.tensor(gradient)
        own.step()
    for ours, theirs in zip(trained(config).values(), weights):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), rtol=1e-4)


def test_no_l2_is_the_plain_optimizer():
    """A preset's L2 is switched off this way."""
    plain = build_optimizer(OptimizerConfig("sgd", RATE, l2=0.0), 1, 1)
    assert isinstance(plain, keras.optimizers.SGD) and not isinstance(plain, L2SGD)


def test_a_pruned_weight_stays_zero_under_l2():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    toolkit.mask(model)
    toolkit.prune(model, 0.5)
    model.compile(build_optimizer(OptimizerConfig(**SGD), 1, STEPS), "mse")
    kept = masking.get_masks(model)
    x = np.ones((8, 2), "float32")
    model.fit(x, x, epochs=2, verbose=0)
    stored = masking.get_weights(model)
    assert all((stored[path][~mask] == 0).all() for path, mask in kept.items())


@pytest.mark.parametrize("fields", [{"l2": -1.0}, {"l2": 0.1, "weight_decay": 0.1}])
def test_l2_is_refused_next_to_weight_decay_or_below_zero(fields):
    problems = []
    build(OptimizerConfig, {"name": "sgd"} | fields, "optimizer", problems)
    assert len(problems) == 1 and problems[0].startswith("optimizer.l2")


def test_l2_is_refused_where_the_optimizer_has_no_such_variant():
    with pytest.raises(LotteryError, match=r"sgd, adam.*'rmsprop'"):
        build_optimizer(OptimizerConfig("rmsprop", l2=0.1), 1, 1)
