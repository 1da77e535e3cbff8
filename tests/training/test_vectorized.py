"""Tickets trained as one program end as when each is trained by itself."""

import dataclasses

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit, training
from keras_lottery.config import OptimizerConfig, TrainConfig
from keras_lottery.engine.progress import NoProgress
from keras_lottery.training import ArrayData
from keras_lottery.types import Start
from tests.devices.scripts import outcome
from tests.training import made

pytestmark = pytest.mark.skipif(keras.config.backend() != "jax", reason="vmap")

if keras.config.backend() == "jax":
    from keras_lottery.training.vectorized import FitArguments, VectorizedTrainer


def make_trainer(network, shape=(6,), samples=1, parametrization="zero", **train):
    x, y = made.blobs(features=int(np.prod(shape)))
    x = x.reshape(-1, *shape)
    return training.Trainer(
        toolkit.mask(network, parametrization=parametrization),
        OptimizerConfig("adam", 0.01, schedule="linear", warmup="3it"),
        TrainConfig(**({"length": "12it", "batch_size": 16, "eval_every": 4} | train)),
        ArrayData((x[:80], y[:80]), (x[80:100], y[80:100]), (x[100:], y[100:])),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        ["accuracy"],
        samples=samples,
    )


def conv_net():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            layers.Conv2D(3, 3, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


def half(trainer, seed):
    rng = np.random.default_rng(seed)
    return {p: rng.random(m.shape) < 0.5 for p, m in masking.get_masks(trainer.model).items()}


def apart(trainer, tickets):
    return [
        trainer.fit(t.start, capture_at=t.capture_at, data_seed=t.data_seed, progress=NoProgress())
        for t in tickets
    ]


def assert_alike(results, expected):
    for one, other in zip(results, expected, strict=True):
        for field in dataclasses.fields(one):
            if "seconds" not in field.name:
                alike(getattr(one, field.name), getattr(other, field.name), field.name)


def alike(a, b, name):
    if isinstance(a, dict):
        assert a.keys() == b.keys(), name
        for key, value in a.items():
            alike(value, b[key], f"{name} {key}")
    elif isinstance(a, list):
        assert len(a) == len(b), name
        for index, (value, other) in enumerate(zip(a, b, strict=True)):
            alike(value, other, f"{name} {index}")
    elif isinstance(a, str | None):
        assert a == b, name
    else:
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5, err_msg=name)


def assert_pruned_are_zero(results, tickets):
    for result, ticket in zip(results, tickets, strict=True):
        for path, mask in ticket.start.masks.items():
            assert not result.weights[path][~mask].any()


class Steps:
    def __init__(self):
        self.seen = []

    def update(self, step, of, loss):
        self.seen.append((step, of))


@pytest.fixture(scope="module")
def trainer():
    network = made.network(dropout=0.3, norm=True)
    return make_trainer(network, evaluate_start=True, average=2, average_every="2it")


def test_tickets_end_as_by_themselves_and_one_that_diverges_disturbs_no_other(trainer):
    weights = masking.get_weights(trainer.model)
    other = {p: v * 0.5 if p.endswith("kernel") else v for p, v in weights.items()}
    broken = {p: v * np.nan if p.endswith("kernel") else v for p, v in weights.items()}
    starts = (
        (Start(weights, seed=1), 3, 5),
        (Start(weights, half(trainer, 0), seed=2), None, 6),
        (Start(broken, half(trainer, 0)), None, 5),
        (Start(other, half(trainer, 1), learning_rate_step=5, seed=1), None, 5),
    )
    shown = [Steps() for _ in starts]
    tickets = [
        FitArguments(*start, progress) for start, progress in zip(starts, shown, strict=True)
    ]
    vectorized = VectorizedTrainer(trainer)
    results = vectorized.fit(tickets)
    assert not vectorized.program.state  # its memory is free for the next tickets
    assert_alike(results, apart(trainer, tickets))
    healthy = results[:2] + results[3:]
    assert all(np.isfinite(v).all() for result in healthy for v in result.weights.values())
    assert np.isnan(results[2].final["loss"])
    assert_pruned_are_zero(healthy, tickets[:2] + tickets[3:])
    assert all(steps.seen == [(s, 12) for s in (3, 4, 5, 8, 10, 12)] for steps in shown)

    state = results[0].rewind
    kept = {k[8:]: v for k, v in state.items() if k.startswith("weights/")}
    rewound = Start(kept, half(trainer, 2), step=3, learning_rate_step=3, state=state)
    again = dataclasses.replace(rewound, masks=half(trainer, 3), seed=4)
    tickets = [
        FitArguments(start, None, 5, Steps()) for start in (rewound, again)
    ]  # data from step 0
    results = vectorized.fit(tickets)
    assert_alike(results, apart(trainer, tickets))
    assert_pruned_are_zero(results, tickets)


def test_the_program_lowers_for_tpu(trainer):
    program = VectorizedTrainer(trainer).program
    x, y = made.blobs()
    exported = program.exported_for("tpu", 4, program.put((x, y)), np.zeros((4, 8), np.int32))
    assert exported.platforms == ("tpu",)
    assert "while" in exported.mlir_module()
    assert "tensor<4x6x16xi1>" in exported.mlir_module()  # the masks of four tickets


def test_convolutions_with_batch_norm_and_dropout_end_as_by_themselves():
    trainer = make_trainer(conv_net(), (4, 4, 1), length="4it", eval_every=2)
    weights = masking.get_weights(trainer.model)
    tickets = [
        FitArguments(Start(weights, half(trainer, i), seed=i), None, i, Steps()) for i in (0, 1)
    ]
    results = VectorizedTrainer(trainer).fit(tickets)
    assert_alike(results, apart(trainer, tickets))
    assert_pruned_are_zero(results, tickets)
    assert not np.array_equal(
        *(r.weights["layers/batch_normalization/moving_mean"] for r in results)
    )


@pytest.mark.parametrize("parametrization", ["bernoulli", "edge_popup"])
def test_learned_masks_end_as_by_themselves(parametrization):
    network = made.network()
    trainer = make_trainer(network, (6,), 2, parametrization, length="3it", eval_every=3)
    weights = masking.get_weights(trainer.model)
    settings = {"parametrization": parametrization, "masks": half(trainer, 0)}
    starts = [Start(weights, seed=i, **settings) for i in (0, 1)]
    tickets = [FitArguments(start, None, 0, Steps()) for start in starts]
    results = VectorizedTrainer(trainer).fit(tickets)
    assert_alike(results, apart(trainer, tickets))
    assert any((results[0].masks[p] != results[1].masks[p]).any() for p in results[0].masks)


def test_only_as_many_tickets_as_fit_into_memory_are_trained_together(trainer, monkeypatch):
    vectorized = VectorizedTrainer(trainer)
    free = iter([0, 0, None])
    monkeypatch.setattr(vectorized.program, "_free_bytes", lambda: next(free))
    assert vectorized.fitting(5, 0) == 2  # of 5 and 3, which don't fit
    assert vectorized.program.compile_seconds > 0


def test_eight_devices_share_the_tickets():
    outcomes = outcome("vectorized_run", "none", 8)
    assert outcomes["shares"] == [[8, 2]]  # devices, and tickets of each
    np.testing.assert_allclose(outcomes["together"], outcomes["apart"], rtol=1e-4)
    assert outcomes["zero"]
    assert not outcomes["communicates"]
