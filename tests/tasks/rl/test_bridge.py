"""A Keras 3 model behaves like TF-Agents' own networks, masked or not."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_lottery import masking, toolkit
from keras_lottery.backend.distribution import Distribution
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.rl import networks
from keras_lottery.tasks.rl.agents import loss_of
from keras_lottery.tasks.rl.bridge import KerasNetwork, KerasOptimizer, specs_of
from keras_lottery.tasks.rl.config import DqnConfig, RLModel
from keras_lottery.tasks.rl.dqn import Dqn
from keras_lottery.tasks.rl.environments.spaces import GameSpec
from keras_lottery.types import Start

SPEC = GameSpec((4,), "float32", 3, 0)
OBSERVATION = tf.TensorSpec((4,), tf.float32)
RATE = 0.1


def batch(size=8, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.normal(size=(1, size, 4)).astype(np.float32),
        rng.integers(0, 3, (1, size)).astype(np.int32),
        rng.normal(size=(1, size)).astype(np.float32),
        (rng.random((1, size)) < 0.7).astype(np.float32),
        rng.normal(size=(1, size, 4)).astype(np.float32),
    )


def agent(dueling=False, optimizer=None, **config):
    """A DQN agent whose weights and whose masks are drawn; a third is pruned."""
    made = []
    for seed in (0, 1):
        keras.utils.set_random_seed(seed)
        model = networks.build(SPEC, RLModel(hidden=(6, 5), dueling=dueling))
        made.append(toolkit.mask(model, biases=True))
    model, target = made
    model.compile(optimizer=optimizer or keras.optimizers.SGD(RATE))
    model.optimizer.build(model.trainable_variables)
    one = Dqn(model, target, SPEC, DqnConfig(**config), 2, 8, False, Distribution())
    rng = np.random.default_rng(2)
    masks = {path: rng.random(m.shape) < 0.67 for path, m in masking.get_masks(model).items()}
    one.restore(Start(masking.get_weights(model), masks))
    return one, masks


def train(one, steps=1):
    for step in range(steps):
        one._train(*map(tf.convert_to_tensor, batch(seed=step)))


def values(model, masks, weights, x):
    """The network's outputs, worked out with NumPy."""
    for index, name in enumerate(("dense", "dense_1", "dense_2")):
        kernel, bias = (f"layers/{name}/{what}" for what in ("kernel", "bias"))
        x = x @ np.where(masks[kernel], weights[kernel], 0)
        x = x + np.where(masks[bias], weights[bias], 0)
        x = np.maximum(x, 0) if index < 2 else x
    return x


def test_masks_are_no_variables_of_the_network():
    one, masks = agent()
    network = KerasNetwork(one.model, OBSERVATION)
    assert len(network.variables) == len(network.trainable_weights) == len(masks) == 6
    assert all(v.dtype == tf.float32 for v in network.variables)
    assert network.non_trainable_weights == []


def test_no_mask_is_read_where_the_guard_masks_the_gradients():
    clipped = keras.optimizers.SGD(RATE, global_clipnorm=0.05)
    one, masks = agent(optimizer=clipped)
    x = tf.random.stateless_normal((8, 4), (0, 0))
    found = {}
    for guarded in (True, False):
        with tf.GradientTape() as tape, masking.step_scope(one.model, guarded=guarded):
            loss = tf.reduce_sum(one.model(x) ** 2)
        weights = one.model.trainable_variables
        found[guarded] = tape.gradient(loss, [v.value for v in weights])
    paths = {id(v): path for path, v in masking.variables(one.model).items()}
    kept = [masks[paths[id(v)]] for v in weights]
    for mask, bare, masked in zip(kept, found[True], found[False], strict=True):
        assert np.array_equal(np.where(mask, bare, 0), masked)
    assert any(np.any(bare.numpy()[~mask]) for mask, bare in zip(kept, found[True]))
    moved = {}
    start = masking.get_weights(one.model)
    for guarded, gradients in found.items():
        masking.set_weights(one.model, start)
        clipped.apply(gradients, weights)  # its norm is that of the kept weights' gradient
        moved[guarded] = masking.get_weights(one.model)
    assert all(np.array_equal(moved[True][path], moved[False][path]) for path in start)


def test_it_takes_batches_with_and_without_a_time_axis():
    one, _ = agent()
    network = KerasNetwork(one.model, OBSERVATION)
    x = tf.random.stateless_normal((2, 5, 4), (0, 0))
    with_time, _ = network(x)
    without, _ = network(x[0])
    assert with_time.shape == (2, 5, 3)
    assert np.allclose(with_time[0], without)


@pytest.mark.parametrize("double", [False, True])
def test_the_loss_is_the_one_of_the_paper(double):
    """Huber loss of r + γ d Q'(s', a') − Q(s, a), a' chosen by Q' or, if double, by Q."""
    one, masks = agent(double=double, gamma=0.9)
    online, target = masking.get_weights(one.model), masking.get_weights(one.target)
    target = {path: value + 0.1 for path, value in target.items()}
    masking.set_weights(one.target, target)
    masking.set_masks(one.target, masks)
    x, action, reward, discount, following = (array[0] for array in batch())
    after = values(one.target, masks, target, following)
    chooser = values(one.model, masks, online, following) if double else after
    rows = np.arange(len(x))
    goal = reward + 0.9 * discount * after[rows, chooser.argmax(1)]
    error = np.abs(goal - values(one.model, masks, online, x)[rows, action])
    expected = np.where(error <= 1, error**2 / 2, error - 0.5).mean()
    loss = one._train(*map(tf.convert_to_tensor, batch()))
    assert np.allclose(loss, expected, rtol=1e-5)


@pytest.mark.parametrize("double", [False, True])
def test_a_step_equals_that_of_tf_agents_own_network(double):
    from tf_agents.agents.dqn import dqn_agent
    from tf_agents.networks import q_network
    from tf_agents.trajectories import policy_step, time_step, trajectory

    one, _ = agent(double=double)
    one.restore(Start(masking.get_weights(one.model)))
    time_steps, actions = specs_of(OBSERVATION, 3)
    theirs = q_network.QNetwork(OBSERVATION, actions, fc_layer_params=(6, 5))
    kind = dqn_agent.DdqnAgent if double else dqn_agent.DqnAgent
    other = kind(
        time_steps,
        actions,
        q_network=theirs,
        optimizer=tf.keras.optimizers.SGD(RATE),
        gamma=0.99,
        epsilon_greedy=None,
    )
    weights = masking.get_weights(one.model)
    theirs.set_weights([weights[path] for path in ordered(weights)])
    other.initialize()
    x, action, reward, discount, following = (array[0] for array in batch())
    middle = tf.ones((8,), tf.int32)
    experience = trajectory.Transition(
        time_step.TimeStep(middle, tf.zeros((8,)), tf.ones((8,)), x),
        policy_step.PolicyStep(action, (), ()),
        time_step.TimeStep(middle, reward, discount, following),
    )
    experience = tf.nest.map_structure(tf.convert_to_tensor, experience)
    loss = other.train(experience).loss
    assert np.allclose(one._train(*map(tf.convert_to_tensor, batch())), loss, rtol=1e-6)
    after = masking.get_weights(one.model)
    for path, expected in zip(ordered(after), theirs.get_weights()):
        assert (after[path] != weights[path]).any()
        assert np.allclose(after[path], expected, atol=1e-6)


def ordered(weights):
    """Kernel and bias of each layer in their order, as Keras 2 has them."""
    names = ("dense", "dense_1", "dense_2")
    return [f"layers/{name}/{what}" for name in names for what in ("kernel", "bias")]


@pytest.mark.parametrize("dueling", [False, True])
def test_a_soft_update_blends_weights_and_no_masks(dueling):
    one, masks = agent(dueling, target_tau=0.25, target_period=1)
    before = masking.get_weights(one.target)
    train(one)
    after, online = masking.get_weights(one.target), masking.get_weights(one.model)
    kept = masking.get_masks(one.target)
    for path, mask in masks.items():
        assert (kept[path] == mask).all()
        assert not after[path][~mask].any() and not online[path][~mask].any()
        assert np.allclose(after[path], 0.75 * before[path] + 0.25 * online[path], atol=1e-6)


def test_a_hard_update_copies_when_its_period_is_over():
    one, masks = agent(target_tau=1.0, target_period=3)
    before = masking.get_weights(one.target)
    train(one, 2)
    assert all((masking.get_weights(one.target)[p] == before[p]).all() for p in masks)
    train(one)
    now, online = masking.get_weights(one.target), masking.get_weights(one.model)
    assert all((now[p] == online[p]).all() for p in masks)
    assert any((now[p] != before[p]).any() for p in masks)


def test_a_rewound_agent_updates_its_target_when_it_would_have():
    one, _ = agent(target_tau=1.0, target_period=3)
    weights = masking.get_weights(one.model)
    one.restore(Start(weights, step=2))
    train(one)
    now, online = masking.get_weights(one.target), masking.get_weights(one.model)
    assert all((now[p] == online[p]).all() for p in now)
    assert any((now[p] != weights[p]).any() for p in now)


def test_new_masks_reach_both_networks_without_a_new_trace():
    one, masks = agent(target_tau=0.5, target_period=1)
    train(one)
    traces = one._train.experimental_get_tracing_count()
    turned = {path: ~mask for path, mask in masks.items()}
    one.restore(Start(masking.get_weights(one.model), turned))
    train(one, 3)
    assert one._train.experimental_get_tracing_count() == traces
    for model in (one.model, one.target):
        weights = masking.get_weights(model)
        assert all(not weights[path][masks[path]].any() for path in masks)


def test_optimizers_of_keras_3_take_gradients_in_any_order():
    one, _ = agent(optimizer=keras.optimizers.Adam(RATE))
    taken = KerasOptimizer(one.model)
    variables = KerasNetwork(one.model, OBSERVATION).trainable_weights
    before = masking.get_weights(one.model)
    taken.apply_gradients([(tf.ones_like(v), v) for v in reversed(variables)])
    after, masks = masking.get_weights(one.model), masking.get_masks(one.model)
    for path, mask in masks.items():
        moved = before[path] - after[path]
        assert np.allclose(moved[mask], RATE, atol=1e-3)  # Adam's first step
        assert not moved[~mask].any()


def test_a_dueling_network_is_the_value_and_what_actions_add_to_it():
    keras.utils.set_random_seed(0)
    model = networks.build(SPEC, RLModel(hidden=(6,), dueling=True))
    weights = masking.get_weights(model)
    assert {v.path.split("/")[1] for v in masking.describe(model) if v.output} == {
        "dense_1",
        "dense_2",
    }
    x = np.ones((2, 4), np.float32)
    hidden = np.maximum(x @ weights["layers/dense/kernel"] + weights["layers/dense/bias"], 0)
    heads = {weights[f"layers/{n}/kernel"].shape[1]: n for n in ("dense_1", "dense_2")}
    value, advantage = (
        hidden @ weights[f"layers/{heads[n]}/kernel"] + weights[f"layers/{heads[n]}/bias"]
        for n in (1, 3)
    )
    expected = value + advantage - advantage.mean(1, keepdims=True)
    assert np.allclose(model(x), expected, atol=1e-6)


def test_a_loss_that_is_not_finite_ends_the_training_with_the_reason():
    one, _ = agent()
    weights = {p: np.full_like(v, np.nan) for p, v in masking.get_weights(one.model).items()}
    masking.set_weights(one.model, weights)
    with pytest.raises(LotteryError, match="finite losses"):
        loss_of(one._train, batch())
