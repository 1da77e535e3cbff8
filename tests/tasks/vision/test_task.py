"""The vision task's contract with the engine, on synthetic data."""

import dataclasses
import random
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_lottery.tasks  # noqa: F401  registers the task
from keras_lottery.config import Config, freeze
from keras_lottery.errors import LotteryError
from keras_lottery.tasks import supervised
from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.images import Images, Split
from keras_lottery.tasks.vision.preprocessing import scaling_of
from keras_lottery.tasks.vision.task import VisionTask
from keras_lottery.types import Start, Training

pytestmark = pytest.mark.backend

FIRST = "layers/dense/kernel"


def made(count: int = 40, size: int = 4, channels: int = 1) -> Images:
    """Images of two kinds, bright and dark, that a network tells apart within some steps."""
    rng = np.random.default_rng(0)
    y = (np.arange(count) % 2).astype(np.int32)
    x = rng.integers(0, 100, (count, size, size, channels)) + 150 * y[:, None, None, None]
    every = Split(x.astype(np.uint8), y)
    return Images(
        train=every,
        validation=every.take(np.arange(8)),
        test=every.take(np.arange(10, 20)),
        classes=2,
    )


def config(**sections) -> Config:
    base = {
        "name": "made",
        "task": "vision",
        "data": {},
        "model": {"hidden": (6,)},
        "optimizer": {"learning_rate": 0.02},
        "train": {"length": "20it", "batch_size": 8, "eval_every": 5},
        "prune": {},
        "rewind": {"to": "5it"},
    }
    for name, fields in sections.items():
        base[name] = base[name] | fields
    return freeze(base)


def task(images: Images | None = None, **sections) -> VisionTask:
    return VisionTask(config(**sections), images or made())


def training(round_number: int = 0, arm: str = "dense") -> Training:
    return Training("", "vision", 0, round_number, arm)


class Silent:
    def update(self, step: int, of: int, loss: float) -> None:
        """Says nothing."""


def test_the_same_seed_draws_the_same_weights_in_every_build():
    one, other = task(), task()
    first, again = one.start_weights(3), other.start_weights(3)
    assert first.keys() == again.keys()
    assert all((first[p] == again[p]).all() for p in first)
    assert (first[FIRST] != one.start_weights(4)[FIRST]).any()
    assert {v.path for v in one.variables()} <= first.keys()


def test_initializing_weights_leaves_other_random_numbers_unchanged():
    random.seed(1)
    expected = random.random()
    random.seed(1)
    task().fresh_weights(0)
    assert random.random() == expected


def test_variables_follow_the_prune_section():
    marked = {v.path: v.prunable for v in task(prune={"output": False}).variables()}
    assert marked[FIRST]
    assert not marked["layers/dense_1/kernel"]
    assert not marked["layers/dense/bias"]


def test_lengths_in_steps():
    assert task().steps("1ep") == 5
    assert task().steps("7it") == 7


def test_a_dense_training_learns_and_brings_its_rewind_point():
    one = task()
    outcome = one.fit(training(), Start(one.start_weights(0)), Silent())
    assert outcome.final_value == 1.0
    assert outcome.steps == 20
    assert outcome.rewind["step"].item() == 5
    assert outcome.metrics["test_loss"] < 0.5
    assert outcome.best_step in {5, 10, 15, 20}
    assert [row["step"] for row in outcome.history] == [5, 10, 15, 20]


def test_pruned_weights_stay_zero_from_a_rewound_start():
    one = task()
    start = one.start_weights(0)
    state = one.fit(training(), Start(start), Silent()).rewind
    masks = {FIRST: np.arange(96).reshape(16, 6) % 3 == 0}
    early = {k.removeprefix("weights/"): v for k, v in state.items() if k.startswith("weights/")}
    rewound = Start(early, masks, step=5, learning_rate_step=5, data_order_step=5, state=state)
    outcome = one.fit(training(1, "winning"), rewound, Silent())
    assert outcome.steps == 15
    assert outcome.rewind is None
    assert not outcome.weights[FIRST][~masks[FIRST]].any()
    assert outcome.weights[FIRST][masks[FIRST]].all()


def test_training_again_from_the_same_start_gives_the_same_network():
    one = task(data={"augment": "flip_crop"}, images=made(channels=3))
    start = Start(one.start_weights(0))
    first = one.fit(training(), start, Silent())
    one.fit(training(), Start(one.start_weights(1)), Silent())
    again = one.fit(training(), start, Silent())
    for path, value in first.weights.items():
        np.testing.assert_array_equal(value, again.weights[path])


def test_flops_of_lenet():
    one = task()
    assert one.flops({}) == 2 * (16 * 6 + 6 * 2)
    assert one.flops({FIRST: np.arange(96).reshape(16, 6) < 10}) == 2 * (10 + 12)


def test_flops_of_a_convolution_count_every_position():
    images = made(size=8, channels=3)
    one = task(images, model={"name": "conv2", "hidden": VisionModel().hidden})
    dense = 4 * 4 * 64 * 256 + 256 * 256 + 256 * 2
    assert one.flops({}) == 2 * (64 * (27 * 64 + 9 * 64 * 64) + dense)


def test_the_exported_model_is_plain_and_gives_the_same_logits():
    one = task()
    masks = {FIRST: np.arange(96).reshape(16, 6) % 2 == 0}
    outcome = one.fit(training(1, "winning"), Start(one.start_weights(0), masks), Silent())
    plain = one.export_model(outcome.weights)
    assert type(plain) is keras.src.models.functional.Functional
    kernel = keras.ops.convert_to_numpy(plain.layers[3].kernel)
    assert np.count_nonzero(kernel) == 48
    logits = keras.ops.convert_to_numpy(plain(one.images.test.x))
    right = (logits.argmax(axis=1) == one.images.test.y).mean()
    assert right == pytest.approx(outcome.final_value)
    masked = keras.ops.convert_to_numpy(one._model(one.images.test.x))
    np.testing.assert_allclose(logits, masked, rtol=1e-4, atol=1e-5)


def test_gradients_equal_differences_and_are_zero_where_pruned():
    one = task()
    weights = one.start_weights(0)
    masks = {FIRST: np.arange(96).reshape(16, 6) % 2 == 0}
    found = one.derived("gradient", weights, masks, seed=0)
    assert set(found) == {FIRST, "layers/dense_1/kernel"}
    assert not found[FIRST][~masks[FIRST]].any()

    def loss(change: float) -> float:
        moved = {k: np.where(masks.get(k, True), v, 0) for k, v in weights.items()}
        moved["layers/dense_1/kernel"][2, 1] += change
        model = one.export_model(moved)
        logits = keras.ops.convert_to_numpy(model(one.images.train.x)).astype(np.float64)
        chosen = logits[np.arange(len(logits)), one.images.train.y]
        return float((np.log(np.exp(logits).sum(axis=1)) - chosen).mean())

    expected = (loss(1e-2) - loss(-1e-2)) / 2e-2
    assert found["layers/dense_1/kernel"][2, 1] == pytest.approx(expected, rel=2e-2, abs=1e-4)


def test_flow_through_a_convolution_of_raw_pixels():
    one = task(model={"name": "small_cnn", "hidden": VisionModel().hidden})
    found = one.derived("flow", one.start_weights(0), {}, seed=0)
    assert all(np.all(value >= 0) and value.any() for value in found.values())


def test_grasp_sees_as_many_examples_of_every_class():
    labels = np.repeat([3, 1, 2], [50, 20, 4])
    order = np.random.default_rng(0).permutation(len(labels))
    chosen = supervised._first_of_each_class(order, labels)
    assert np.bincount(labels[chosen]).tolist() == [0, 10, 4, 10]
    assert [i for i in order if i in chosen] == list(chosen)


def test_the_best_step_needs_validation_images():
    bare = dataclasses.replace(made(), validation=None)
    with pytest.raises(LotteryError, match="validation_size"):
        task(bare, train={"value": "best"}).steps("1ep")
    assert task(bare).steps("1ep") == 5


def test_scaling_makes_training_images_standard():
    images = made(channels=3)
    found = scaling_of(images, "standard")
    x = images.train.x * np.array(found.scale) + np.array(found.offset)
    np.testing.assert_allclose(x.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(x.std(axis=(0, 1, 2)), 1, atol=1e-4)
    assert scaling_of(images, "none") is None
    assert scaling_of(images, "unit").scale == (1 / 255,) * 3


def test_mixed_precision_keeps_logits_in_float32():
    one = task(train={"dtype_policy": "mixed_bfloat16"})
    assert one.export_model(one.start_weights(0)).output.dtype == "float32"
    assert keras.config.dtype_policy().name == "float32"


@pytest.mark.skipif(keras.config.backend() != "jax", reason="one without TensorFlow is enough")
def test_the_embedded_data_need_no_tensorflow():
    code = (
        "import sys; sys.modules['tensorflow'] = None; import keras_lottery.tasks; "
        "from keras_lottery.config import freeze; "
        "from keras_lottery.tasks.vision.task import VisionTask; "
        "task = VisionTask(freeze({'name': 'x', 'task': 'vision'})); "
        "sys.exit(task.start_weights(0)['layers/dense/kernel'].shape != (64, 300))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_frozen_start_keeps_its_fills_bit_for_bit_and_ships_them():
    one = task()
    masks = {FIRST: np.arange(96).reshape(16, 6) % 2 == 0}
    fills = {FIRST: np.linspace(-1, 1, 96, dtype=np.float32).reshape(16, 6)}
    start = Start(one.start_weights(0), masks, fills, parametrization="frozen")
    outcome = one.fit(training(1, "frozen"), start, Silent())
    pruned = ~masks[FIRST]
    assert (outcome.weights[FIRST][pruned] == fills[FIRST][pruned]).all()
    assert (outcome.weights[FIRST][~pruned] != start.weights[FIRST][~pruned]).any()
    plain = one.export_model(outcome.weights)
    right = keras.ops.convert_to_numpy(plain(one.images.test.x)).argmax(axis=1)
    assert (right == one.images.test.y).mean() == pytest.approx(outcome.final_value)
    again = Start(one.start_weights(0), masks, parametrization="frozen")
    assert not one.fit(training(1, "frozen"), again, Silent()).weights[FIRST][pruned].any()


def test_a_network_is_measured_at_its_start_where_the_config_asks():
    one = task(train={"evaluate_start": True})
    start = Start(one.start_weights(0))
    outcome = one.fit(training(0, "dense"), start, Silent())
    assert outcome.metrics["initial_accuracy"] == one.evaluate(start)["accuracy"]
    assert outcome.metrics["initial_accuracy"] != outcome.final_value
