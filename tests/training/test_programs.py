"""The compiled programs: which way they go, and that the loop lowers for TPU."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.backend.distribution import Distribution
from keras_lottery.config import OptimizerConfig, TrainConfig
from keras_lottery.engine.progress import NoProgress
from keras_lottery.training import ArrayData, Trainer, programs
from keras_lottery.training.compilation import Compilation, choose_compilation, has_layer
from keras_lottery.training.programs import make_program
from keras_lottery.types import Start
from tests.training import made

pytestmark = pytest.mark.backend


def conv_net():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(3),
        ]
    )


def test_convolutions_on_a_cpu_take_another_way():
    backend = keras.config.backend()
    dense, conv = made.network(), keras.Sequential([keras.Input((8, 8, 1)), conv_net()])
    assert not has_layer(dense, "Conv")
    assert has_layer(conv, "Conv") and has_layer(toolkit.mask(conv_net()), "Conv")
    ways = {
        "jax": (Compilation(loop=True, xla=True), Compilation(loop=False, xla=True)),
        "tensorflow": (Compilation(loop=True, xla=True), Compilation(loop=True, xla=False)),
        "torch": (Compilation(loop=False, xla=False), Compilation(loop=False, xla=False)),
    }
    assert (
        choose_compilation(dense, Distribution()),
        choose_compilation(conv, Distribution()),
    ) == ways[backend]
    if backend == "jax":  # a loop around one step would copy the state
        assert not choose_compilation(dense, Distribution(), several=False).loop


def test_compiling_is_over_before_a_training_is_timed():
    """Step by step, nothing compiles before a step is taken."""
    x, y = np.zeros((24, 8, 8, 1), "float32"), np.zeros(24, "int32")
    settings = TrainConfig(length="4it", batch_size=8, eval_every=2)
    data = ArrayData((x, y), (x, y), (x, y))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = toolkit.mask(conv_net())
    trainer = Trainer(model, OptimizerConfig("adam", 0.01), settings, data, loss)
    start = Start(masking.get_weights(model))
    trainer.restore(start)
    assert trainer._compile(0) > 0
    traced = trainer.program.traces
    trainer.fit(start, capture_at=2, data_seed=0, progress=NoProgress())
    assert trainer.program.traces == traced
    assert keras.config.backend() == "torch" or traced > 1


def test_both_compilations_train_alike():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 8, 8, 1)).astype("float32"), rng.integers(0, 3, 40).astype("int32")
    order = rng.permutation(40).reshape(5, 8).astype(np.int32)
    found = []
    for compilation in (Compilation(loop=True, xla=True), Compilation(loop=False, xla=False)):
        model = made.compiled(conv_net(), keras.optimizers.SGD(0.1, momentum=0.9))
        model.test_on_batch(x[:1], y[:1])
        model.optimizer.build(model.trainable_variables)
        program = make_program(model, compilation=compilation)
        data = program.put((x, y))
        program.train(data, order, 0)
        before = model.get_weights()
        program.train(data, order, 3)
        assert any((a != b).any() for a, b in zip(before, model.get_weights(), strict=True))
        assert int(model.optimizer.iterations) == 3
        found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.skipif(keras.config.backend() != "jax", reason="jax.export")
def test_the_loop_lowers_for_tpu():
    x, y = made.blobs()
    model = made.compiled(toolkit.mask(made.network(norm=True, dropout=0.2)))
    model.test_on_batch(x[:1], y[:1])
    model.optimizer.build(model.trainable_variables)
    program = make_program(model)
    exported = program.exported_for("tpu", program.put((x, y)), np.zeros((4, 8), np.int32))
    assert exported.platforms == ("tpu",)
    assert "while" in exported.mlir_module()
    assert "i1" in exported.mlir_module()  # the masks


class Counting:
    """A program of which each call takes a second, and the first of each shape traces."""

    def __init__(self, clock, has_loop):
        self.traces, self.taken, self._clock, self._has_loop = 0, 0, clock, has_loop
        self._known = set()

    def train(self, data, order, steps):
        self._call(order.shape, steps or self._has_loop)
        self.taken += steps

    def test(self, data, order):
        self._call(("test", order.shape), True)

    def _call(self, shape, works):
        self._clock.now += 1
        if works and shape not in self._known:
            self._known.add(shape)
            self.traces += 1
            self._clock.now += 10


@pytest.mark.parametrize(("has_loop", "compiling"), [(True, 33), (False, 33)])
def test_compiling_is_timed_apart_and_takes_no_step(monkeypatch, has_loop, compiling):
    class Clock:
        now = 0.0

    monkeypatch.setattr(programs.time, "perf_counter", lambda: Clock.now)
    program = programs.TimedProgram(Counting(Clock, has_loop))
    for rows in (4, 4, 2, 4):
        program.train(None, np.zeros((rows, 3), np.int32), rows)
    for _ in range(2):
        program.test(None, np.zeros((2, 3), np.int32))
    assert program.compile_seconds == compiling  # two lengths and an evaluation, in whole calls
    assert (program._program.taken, program.traces) == (14, 3)
