"""Training from ticket to ticket: rewinds are bit-equal, nothing is traced twice."""

import math

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit, training
from keras_lottery.config import OptimizerConfig, TrainConfig
from keras_lottery.engine.progress import NoProgress
from keras_lottery.errors import LotteryError
from keras_lottery.training import ArrayData, checkpoint, optimizers
from keras_lottery.training.data import fixed_order
from keras_lottery.types import Start
from tests.training import made

pytestmark = pytest.mark.backend


def make_trainer(optimizer=None, augment=None, dropout=0.3, **train):
    x, y = made.blobs()
    model = toolkit.mask(made.network(dropout=dropout, norm=True))
    data = ArrayData((x[:80], y[:80]), (x[80:100], y[80:100]), (x[100:], y[100:]), augment)
    settings = TrainConfig(**({"length": "20it", "batch_size": 16, "eval_every": 4} | train))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    config = optimizer or OptimizerConfig("adam", 0.01)
    return training.Trainer(model, config, settings, data, loss, ["accuracy"])


@pytest.fixture(scope="module")
def trainer():
    trainer = make_trainer()
    trainer.start_weights = masking.get_weights(trainer.model)
    return trainer


def fit(trainer, start, capture_at=None, seed=5):
    return trainer.fit(start, capture_at=capture_at, data_seed=seed, progress=NoProgress())


def start_of(trainer, **fields):
    return Start(trainer.start_weights, **fields)


@pytest.fixture(scope="module")
def first(trainer):
    return fit(trainer, start_of(trainer), capture_at=7)


def half_masks(trainer, seed=0):
    rng = np.random.default_rng(seed)
    return {p: rng.random(m.shape) < 0.5 for p, m in masking.get_masks(trainer.model).items()}


def assert_same(one, other):
    assert one.keys() == other.keys()
    for path, value in one.items():
        assert np.array_equal(value, other[path]), path


def test_two_equal_trainings_are_bit_equal(trainer, first):
    again = fit(trainer, start_of(trainer), capture_at=7)
    assert_same(first.weights, again.weights)
    assert_same(first.rewind, again.rewind)
    assert first.history == again.history


def test_other_orders_and_seeds_give_other_weights(trainer, first):
    for other in (
        fit(trainer, start_of(trainer), seed=6),
        fit(trainer, start_of(trainer, seed=1)),
    ):
        assert any((other.weights[p] != v).any() for p, v in first.weights.items())


def test_going_on_from_the_rewind_point_is_bit_equal_to_not_stopping(trainer, first):
    # Dropout, batch norm, Adam's moments and the order of the data all have to be right.
    weights = {k[8:]: v for k, v in first.rewind.items() if k.startswith("weights/")}
    start = Start(
        weights, step=7, learning_rate_step=7, data_order_step=7, state=first.rewind, seed=99
    )
    again = fit(trainer, start)
    assert_same(first.weights, again.weights)
    assert again.history[0]["val_loss"] == first.history[1]["val_loss"]
    assert again.history[1:] == first.history[2:]
    assert again.steps == 13


@pytest.mark.parametrize("part", ["optimizer/", "seeds/", "order"])
def test_each_part_of_the_rewind_point_matters(trainer, first, part):
    weights = {k[8:]: v for k, v in first.rewind.items() if k.startswith("weights/")}
    state = {k: v for k, v in first.rewind.items() if not k.startswith(part)}
    order = 0 if part == "order" else 7
    again = fit(trainer, Start(weights, step=7, data_order_step=order, state=state, seed=99))
    assert any((again.weights[p] != v).any() for p, v in first.weights.items())


def test_capture_and_restore_are_bit_equal(trainer, first):
    before = checkpoint.capture(trainer.model, 3)
    fit(trainer, start_of(trainer))
    checkpoint.restore(trainer.model, before)
    assert_same(before, checkpoint.capture(trainer.model, 3))


def test_pruned_weights_and_slots_are_zero_from_a_dense_rewind_point(trainer, first):
    weights = {k[8:]: v for k, v in first.rewind.items() if k.startswith("weights/")}
    masks = half_masks(trainer)
    again = fit(trainer, Start(weights, masks, step=7, data_order_step=7, state=first.rewind))
    variables = masking.variables(trainer.model)
    for path, mask in masks.items():
        assert not again.weights[path][~mask].any()
        assert again.weights[path][mask].all()
        shape = tuple(variables[path].shape)
        slots = [v for v in trainer.model.optimizer.variables if tuple(v.shape) == shape]
        assert slots
        for slot in slots:
            assert not keras.ops.convert_to_numpy(slot)[~mask].any()


def test_nothing_is_traced_again_between_rounds_and_arms(trainer, first):
    traced = trainer.program.traces
    for seed in range(3):
        fit(trainer, start_of(trainer, masks=half_masks(trainer, seed)), capture_at=3)
    assert trainer.program.traces == traced
    assert keras.config.backend() == "torch" or traced > 0


def test_masks_of_one_training_do_not_leak_into_the_next(trainer, first):
    fit(trainer, start_of(trainer, masks=half_masks(trainer)))
    assert_same(first.weights, fit(trainer, start_of(trainer)).weights)


def test_the_best_step_is_that_of_the_smallest_validation_loss(trainer, first):
    rows = {row["step"]: row["val_loss"] for row in first.history}
    assert sorted(rows) == [4, 8, 12, 16, 20]
    assert first.best_step == min(rows, key=rows.get)
    masking.set_weights(trainer.model, first.weights)
    assert trainer.evaluations.evaluate() == pytest.approx(first.final)


def test_best_weights_are_those_that_are_measured():
    # A learning rate that diverges: the first evaluation is the best one.
    trainer = make_trainer(OptimizerConfig("sgd", 30.0), dropout=0.0)
    start = Start(masking.get_weights(trainer.model))
    found = fit(trainer, start, capture_at=4)
    weights = {k[8:]: v for k, v in found.rewind.items() if k.startswith("weights/")}
    masking.set_weights(trainer.model, weights)
    at_four = trainer.evaluations.evaluate()
    assert found.best_step == 4
    assert found.best == pytest.approx(at_four)
    assert not found.final["loss"] <= at_four["loss"]  # NaN, perhaps


def test_the_mean_of_the_last_checkpoints_is_kept_and_measured():
    plain = make_trainer(dropout=0.0)
    weights = masking.get_weights(plain.model)
    stopped = [fit(plain, Start(weights), capture_at=step) for step in (16, 18)]
    alone = [
        {k[8:]: v for k, v in one.rewind.items() if k.startswith("weights/")} for one in stopped
    ]
    alone.append(stopped[-1].weights)
    averaged = make_trainer(average=3, average_every="2it", dropout=0.0)
    found = fit(averaged, Start(weights))
    for path, value in found.weights.items():
        mean = sum(one[path] for one in alone) / 3
        np.testing.assert_allclose(value, mean, rtol=1e-5, atol=1e-6)
    assert found.final == averaged.evaluations.evaluate()


def test_checkpoints_before_the_rewind_point_are_an_error():
    averaged = make_trainer(average=3, average_every="2it")
    with pytest.raises(LotteryError, match=r"after step 17.*Received: the first of 3 at step 16"):
        fit(averaged, Start(masking.get_weights(averaged.model)), capture_at=17)


def test_a_start_past_the_end_is_an_error(trainer, first):
    with pytest.raises(LotteryError, match="step 20"):
        fit(trainer, start_of(trainer, step=20))


def test_augmentation_sees_each_epoch_and_the_seed():
    seen = []

    def augment(x, epoch, seed):
        seen.append((epoch, seed))
        return x + 0

    trainer = make_trainer(augment=augment, length="3ep")
    fit(trainer, Start(masking.get_weights(trainer.model)), seed=5)
    assert list(dict.fromkeys(seen)) == [(0, 5), (1, 5), (2, 5)]


def test_a_schedule_under_gradient_accumulation_is_placed_by_batches():
    decay = keras.optimizers.schedules.PiecewiseConstantDecay([10], [0.1, 0.01])
    optimizer = keras.optimizers.SGD(decay, gradient_accumulation_steps=2)
    optimizers.make_restartable(optimizer, total=100)
    optimizer.build([keras.Variable(np.zeros(2, np.float32))])
    for step, rate in ((10, 0.1), (11, 0.01)):
        optimizers.restart_schedule(optimizer, step)
        assert float(keras.ops.convert_to_numpy(optimizer.learning_rate)) == pytest.approx(rate)


@pytest.mark.parametrize("kind", ["piecewise", "cosine", "linear", "inverse_sqrt"])
def test_a_schedule_goes_on_where_it_is_placed(kind):
    config = OptimizerConfig(
        "sgd", 0.5, schedule=kind, warmup="4it", boundaries=("10it",), factor=0.1
    )
    trainer = make_trainer(config)
    optimizer = trainer.model.optimizer

    weights = masking.get_weights(trainer.model)
    expected = {}
    for step in (0, 2, 4, 12, 20):
        trainer.restore(Start(weights, step=step, learning_rate_step=step))
        expected[step] = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        assert int(optimizer.iterations) == 0
    assert expected[0] == pytest.approx(0.125)
    assert expected[2] == pytest.approx(0.375)
    after = {
        "piecewise": (0.5, 0.05, 0.05),
        "cosine": (0.5, 0.25, 0.25 * (1 + math.cos(math.pi * 15 / 16))),
        "linear": (0.5, 0.25, 0.5 / 16),
        "inverse_sqrt": (0.5 * (4 / 5) ** 0.5, 0.5 * (4 / 13) ** 0.5, 0.5 * (4 / 20) ** 0.5),
    }[kind]  # after the end, at step 20, the rate is that of the last step
    assert [expected[s] for s in (4, 12, 20)] == pytest.approx(after, abs=1e-6)
    found = fit(trainer, Start(weights, step=3, learning_rate_step=0))
    assert found.steps == 17
    assert int(optimizer.iterations) == 17


def test_some_examples_of_a_split_are_random_ones(trainer, first):
    trainer.restore(start_of(trainer))
    found = trainer.evaluations.evaluate("validation", 10)
    rows = fixed_order(20)[:10]
    assert rows.max() >= 10
    x, y = trainer.data.validation
    expected = trainer.model.evaluate(x[rows], y[rows], verbose=0, return_dict=True)
    assert found["loss"] == pytest.approx(expected["loss"], rel=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16", "bfloat16"])
def test_it_trains_under_any_dtype_policy(policy):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        trainer = make_trainer(length="4it")
    finally:
        keras.config.set_dtype_policy(before)
    found = fit(trainer, Start(masking.get_weights(trainer.model)), capture_at=2)
    assert np.isfinite(found.history[-1]["val_loss"])
    weights = {k[8:]: v for k, v in found.rewind.items() if k.startswith("weights/")}
    start = Start(weights, step=2, learning_rate_step=2, data_order_step=2, state=found.rewind)
    assert_same(fit(trainer, start).weights, found.weights)


def test_an_unknown_optimizer_field_is_an_error():
    with pytest.raises(LotteryError, match=r"keras\.optimizers"):
        make_trainer(OptimizerConfig("adam", rho=0.5))


def test_an_embedding_is_clipped_by_its_gradient_summed_over_the_uses_of_a_word():
    keras.utils.set_random_seed(0)
    network = [keras.Input((5,)), keras.layers.Embedding(3, 4), keras.layers.Flatten()]
    model = toolkit.mask(
        keras.Sequential([*network, keras.layers.Dense(3)]), exclude=("*embedding*",)
    )
    part = (np.zeros((16, 5), "int32"), (np.arange(16) % 3).astype("int32"))
    config = OptimizerConfig("sgd", 1.0, global_clipnorm=0.01)
    settings = TrainConfig(length="1it", batch_size=16)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    one = training.Trainer(model, config, settings, ArrayData(part, part, part), loss, [])
    one.start_weights = masking.get_weights(model)
    weights = fit(one, start_of(one)).weights
    moved = sum(((v - one.start_weights[path]) ** 2).sum() for path, v in weights.items())
    np.testing.assert_allclose(np.sqrt(moved), 0.01, rtol=1e-4)
