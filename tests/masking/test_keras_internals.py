"""Keras' private parts are where this package expects them.

When a new Keras moves one of them, a test here names it; `keras_internals` is the file to change.
"""

import inspect

import keras
import numpy as np
import pytest

from keras_lottery.backend.global_state import preserved
from keras_lottery.errors import LotteryError
from keras_lottery.masking import keras_internals as internals
from tests import fresh
from tests.keras_features import needs_schedule_free

L = keras.layers
pytestmark = pytest.mark.backend


@pytest.fixture
def model():
    inputs = keras.Input((4,))
    return keras.Model(inputs, L.Dense(2)(L.Dropout(0.5)(L.Dense(3)(inputs))))


def test_attributes_are_walked_layers_first_and_private_ones_last(model):
    names = [name for name, _ in internals.attributes(model)]
    assert names[0] == "layers"
    names = [name for name, _ in internals.attributes(model.layers[1])]
    assert names.index("bias") < names.index("kernel") < names.index("_kernel")
    assert not {"variables", "weights", "_layers", "_trainable_variables"} & set(names)


def test_no_layer_is_made_for_the_names_that_a_walk_skips(model, monkeypatch):
    layer = model.layers[1]
    walks = [list(internals.attributes(layer)) for _ in range(2)]
    monkeypatch.setattr(L.Layer, "__init__", None)
    assert [*map(str, internals.attributes(layer))] == [*map(str, walks[1])]


def test_names_of_elements_of_containers():
    assert internals.snake_case("Conv2DTranspose") == "conv2d_transpose"
    assert internals.snake_case("GRUCell") == "gru_cell"


def test_layers_track_variables_and_layers(model):
    dense = model.layers[1]
    assert {id(v) for v in internals.own_variables(dense)} == {id(dense.kernel), id(dense.bias)}
    assert internals.own_variables(model) == []
    assert [type(one).__name__ for one in internals.sublayers(model)] == [
        "InputLayer",
        "Dense",
        "Dropout",
        "Dense",
    ]
    assert len(internals.flatten_layers(model)) == 5
    assert internals.is_functional(model) and not internals.is_functional(dense)
    assert internals.is_metric(keras.metrics.Mean())


def test_symbolic_tensors_know_what_made_them(model):
    operation, node = internals.producer(model.outputs[0])
    assert operation is model.layers[-1]
    before = internals.inbound_tensors(operation, node)
    assert [internals.producer(t)[0] for t in before] == [model.layers[-2]]


def test_a_built_layer_is_locked_and_can_be_unlocked(model):
    dense = model.layers[1]
    with pytest.raises(ValueError, match="already built"):
        dense.more = L.Dense(1)
    with internals.unlocked(dense):
        dense.more = L.Dense(1)
    assert internals.sublayers(dense) == [dense.more]
    with pytest.raises(ValueError, match="already built"):
        dense.still_more = L.Dense(1)


def test_an_object_can_be_given_a_subclass(model):
    dense = model.layers[1]
    cls = type("Dense", (type(dense),), {})
    internals.set_class(dense, cls)
    assert type(dense) is cls and isinstance(dense, L.Dense)
    model.predict(np.zeros((1, 4)), verbose=0)


def test_the_active_scope_decides_what_a_variable_is(model):
    kernel = model.layers[1].kernel
    assert internals.stateless_scope() is None
    twos = keras.ops.full((4, 3), 2.0)
    with keras.StatelessScope(state_mapping=[(kernel, twos)]) as scope:
        assert internals.stateless_scope() is scope
        assert np.all(keras.ops.convert_to_numpy(kernel.value) == 2)
        with internals.use_scope(None):
            assert internals.stateless_scope() is None
            assert not np.all(keras.ops.convert_to_numpy(kernel.value) == 2)
        assert internals.stateless_scope() is scope


def test_scopes_collect_losses_by_layer():
    layer = L.Dense(2, activity_regularizer="l2")
    layer.build((None, 3))
    with keras.StatelessScope(collect_losses=True) as scope:
        layer(np.ones((1, 3), "float32"))
        losses = list(scope.losses)
    assert len(losses) == 1 and layer.losses == []
    internals.flush_losses(layer, losses)
    assert len(layer.losses) == 1


def test_casting_can_be_switched_off():
    layer = L.Dense(2, dtype="mixed_bfloat16")
    layer.build((None, 3))
    seen = []

    class Probe(L.Layer):
        def call(self, x):
            with internals.full_precision():
                seen.append(keras.backend.standardize_dtype(layer.kernel.value.dtype))
            seen.append(keras.backend.standardize_dtype(layer.kernel.value.dtype))
            return x

    Probe(dtype="mixed_bfloat16")(np.ones((1, 3), "float32"))
    assert seen == ["float32", "bfloat16"]


def test_hooks_are_called_by_keras():
    called = []

    class Hooked(internals.LayerHooks, L.Dense):
        def after_build(self):
            called.append(self.built)

        def refuse(self, what, instead):
            return RuntimeError(what)

    layer = Hooked(2)
    layer.build((None, 3))
    assert called == [True]
    with pytest.raises(RuntimeError, match="quantization"):
        layer.quantize("int8")


def test_files_name_classes_by_module_class_and_registered_name():
    assert internals.class_entry(L.Dense) == {
        "module": "keras.layers",
        "class_name": "Dense",
        "registered_name": None,
    }

    class Made(L.Dense):
        pass

    internals.name_class(Made, "tests>Name")
    assert keras.saving.serialize_keras_object(Made(2))["registered_name"] == "tests>Name"


def test_the_trainer_can_be_synced_and_its_functions_remade(model):
    model.compile("adam", "mse")
    steps = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            internals.sync_trainer(self.model)
            steps.append(np.array(keras.ops.convert_to_numpy(self.model.layers[1].kernel.value)))

    x, y = np.ones((8, 4), "float32"), np.ones((8, 2), "float32")
    model.fit(x, y, batch_size=4, verbose=0, callbacks=[Look()])
    assert not np.array_equal(*steps)
    before = model.train_function
    internals.remake_functions(model)
    assert model.train_function is not before and model.predict_function is None
    model.fit(x, y, verbose=0)


def test_optimizers_know_their_variables_and_have_the_methods_that_are_guarded(model):
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    known = internals.optimized_variables(model.optimizer)
    assert [id(v) for v in known] == [id(v) for v in model.trainable_variables]
    for name, parameters in (
        ("apply", ["self", "grads", "trainable_variables"]),
        ("finalize_variable_values", ["self", "var_list"]),
    ):
        method = getattr(keras.optimizers.Optimizer, name)
        assert list(inspect.signature(method).parameters) == parameters
    assert keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()).inner_optimizer


def test_the_iterations_are_known_in_the_midst_of_fit_also_of_an_inner_optimizer(model):
    counts = []

    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            counts.append(internals.iterations(self.model))

    assert internals.iterations(model) is None and internals.batches_per_update(model) == 1
    inner = keras.optimizers.SGD(gradient_accumulation_steps=2)
    model.compile(keras.optimizers.LossScaleOptimizer(inner), "mse")
    x, y = np.ones((8, 4), "float32"), np.ones((8, 2), "float32")
    model.fit(x, y, batch_size=2, verbose=0, callbacks=[Look()])
    assert counts == [1, 2, 3, 4]
    assert internals.iterations(model) == 4 and internals.batches_per_update(model) == 2


def test_optimizers_clip_by_the_method_that_is_replaced():
    clipping = keras.optimizers.SGD(global_clipnorm=1.0)
    gradients = [keras.ops.ones((4,)) * 3.0, None]
    clipped = clipping._clip_gradients(gradients)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(clipped[0]), 0.5)
    internals.clip_sums(clipping, 2)
    assert "_clip_gradients" in vars(clipping)
    plain = keras.optimizers.SGD()
    internals.clip_sums(plain, 2)
    assert "_clip_gradients" not in vars(plain)


def test_an_optimizer_gives_back_its_schedule():
    schedule = keras.optimizers.schedules.CosineDecay(0.1, 10)
    assert internals.learning_rate(keras.optimizers.SGD(schedule)) is schedule
    assert float(internals.learning_rate(keras.optimizers.SGD(0.5))) == 0.5


def test_torch_parameters_are_tracked_again(model):
    if keras.config.backend() != "torch":
        pytest.skip("only torch keeps parameters of its own")
    dense = model.layers[1]
    before = len(list(dense.parameters()))
    with internals.unlocked(dense):
        dense.extra = dense.add_weight(shape=(2,), name="extra")
    internals.retrack(model)
    assert len(list(dense.parameters())) == before + 1


def test_an_optimizer_forgets_variables_that_were_added_and_takes_new_ones(model):
    model.compile("adam", "mse")
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    before = optimizer.variables
    added = [optimizer.add_variable((2,), dtype="bool", name="added") for _ in range(2)]
    internals.forget_variables(optimizer, added)
    assert [id(v) for v in optimizer.variables] == [id(v) for v in before]
    last = optimizer.add_variable((3,), name="last")
    assert [id(v) for v in optimizer.variables] == [id(v) for v in (*before, last)]


def test_a_callback_says_once_where_training_resumes(model):
    assert internals.resumed_epoch(model) is None
    model._initial_epoch = 3  # as BackupAndRestore does
    assert internals.resumed_epoch(model) == 3
    assert internals.resumed_epoch(model) is None


@preserved()
def test_the_first_batch_builds_the_metrics_under_a_distribution(model):
    if keras.config.backend() == "jax":
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    model.compile("sgd", "mse", metrics=["mae"])
    x = np.ones((2, *model.input_shape[1:]), "float32")
    internals.run_first_batch(model, x, keras.ops.convert_to_numpy(model(x)) + 1)
    assert [metric.name for metric in internals.compiled_metrics(model)] == ["mae"]
    assert float(model.metrics[0].result()) == 0  # reset


@pytest.mark.parametrize("has_view", [True, False])
def test_bit_patterns_of_floats(has_view, monkeypatch):
    if not has_view:  # as before Keras 3.12
        monkeypatch.delattr(keras.ops, "view", raising=False)
    values = np.array([0.0, 1e-3, 1.0, 3.5], "float32")
    bits = internals.float_bits(keras.ops.convert_to_tensor(values))
    assert keras.ops.convert_to_numpy(bits).tolist() == values.view("int32").tolist()


def test_compiled_metrics_know_their_direction():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(loss="mse", metrics=["mae", keras.metrics.AUC(name="area")])
    model.test_on_batch(np.ones((2, 2)), np.ones((2, 1)))
    metrics = internals.compiled_metrics(model)
    assert [metric.name for metric in metrics] == ["mae", "area"]
    assert [internals.metric_direction(metric) for metric in metrics] == ["down", "up"]
    assert internals.metric_direction(keras.metrics.Mean()) is None


def test_symbolic_calls_are_intercepted_and_leave_no_nodes(model):
    x = keras.KerasTensor((2, 4))
    dense = model.layers[1]
    nodes, seen = len(dense._inbound_nodes), []

    def on_layer(layer, args, kwargs):
        seen.append(layer)
        return layer.compute_output_spec(*args)

    def on_operation(operation, args, kwargs, outputs):
        seen.append(operation)

    with internals.intercepted(on_layer, on_operation):
        keras.ops.relu(dense(x))
        dense(np.ones((1, 4), "float32"))
    assert seen[0] is dense and type(seen[1]).__name__ == "Relu" and len(seen) == 2
    assert len(dense._inbound_nodes) == nodes
    dense(keras.Input((4,)))
    assert len(dense._inbound_nodes) == nodes + 1


def test_a_layer_takes_the_state_of_another(model):
    dense, donor = model.layers[1], L.Dense(3, name="donor")
    donor.build((None, 4))
    held = donor.kernel
    internals.transplant(dense, donor)
    internals.retrack(model)
    assert dense.kernel is held and any(v is held for v in model.variables)
    assert len(keras.Model.from_config(model.get_config()).layers) == len(model.layers)
    if keras.backend.backend() == "torch":
        assert any(p is held.value for p in model.parameters())


def test_models_know_their_inputs_and_layers_their_shapes(model):
    sequential = keras.Sequential([keras.Input((4,)), L.Dense(2)])
    for one in (model, sequential):
        functional = internals.functional_of(one)
        shape = internals.map_inputs(functional, lambda tensor: tuple(tensor.shape))
        assert keras.tree.flatten(shape) == [None, 4]
    assert internals.functional_of(model.layers[1]) is None
    assert internals.built_shapes(model.layers[1]) == {"input_shape": (None, 4)}


def test_a_constraint_knows_the_optimizer_that_applies_it():
    seen = []

    class Constraint(keras.constraints.Constraint):
        def __call__(self, weight):
            seen.append(internals.applying_optimizer())
            return weight

    variable = keras.Variable(np.ones((2, 2), "float32"))
    variable.constraint = Constraint()
    optimizer = keras.optimizers.SGD()
    optimizer.apply([keras.ops.ones((2, 2))], [variable])
    assert seen == [optimizer]
    assert internals.applying_optimizer() is None


def test_optimizers_by_name():
    assert internals.optimizer_class("muon") is keras.optimizers.Muon
    assert internals.optimizer_class("rmsprop") is keras.optimizers.RMSprop
    with pytest.raises(LotteryError, match=r"Expected an optimizer that Keras 3\..*'adamx'"):
        internals.optimizer_class("adamx")


def test_calls_of_a_layer_can_be_replaced(model):
    dense = model.layers[1]
    x = np.ones((2, 4), "float32")
    before = model.predict_on_batch(x)
    seen = []

    def double(call, args, kwargs):
        seen.append(args[0].shape)
        return 2 * call(*args, **kwargs)

    with (
        pytest.raises(RuntimeError, match="stop"),
        internals.replaced_calls({dense: double}),
        internals.replaced_calls({dense: double}),
    ):
        four_times = keras.ops.convert_to_numpy(model(x))
        raise RuntimeError("stop")
    np.testing.assert_allclose(four_times, 4 * before, rtol=1e-5)  # biases are 0
    assert [tuple(shape) for shape in seen] == [(2, 4)] * 2
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(x)), before, rtol=1e-5)
    assert "call" not in vars(dense)


STRIP = """
import sys, keras, keras_lottery as kl
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
before = "tensorflow" in sys.modules
kl.strip(kl.mask(model))
print(("tensorflow" in sys.modules) == before, internals.lazy_tensorflow.available)
"""


def test_serializing_a_model_does_not_import_tensorflow_and_forgets_nothing():
    code = "from keras_lottery.masking.keras_internals import layers as internals" + STRIP
    assert fresh.run("-c", code).stdout.split() == ["True", "True"]


def test_a_cross_entropy_knows_the_axis_of_its_classes():
    loss = keras.losses.SparseCategoricalCrossentropy
    assert internals.class_axis(loss(axis=1)) == 1
    assert internals.class_axis(loss()) == internals.class_axis("mse") == -1


@needs_schedule_free
def test_an_optimizer_that_copies_the_weights_starts_from_them_again(model):
    optimizer = keras.optimizers.ScheduleFreeAdamW()
    optimizer.build(model.trainable_variables)
    kernel = model.trainable_variables[0]
    kernel.assign(kernel + 1)
    internals.restart_from_weights(keras.optimizers.LossScaleOptimizer(optimizer))
    copies = [v for v in optimizer.variables if "momentum" in v.path]
    np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (copies[0].value, kernel.value)))


def test_attention_layers_keep_their_projections():
    x = np.zeros((1, 3, 4), "float32")
    names = {"query", "key", "value", "output"}
    for layer in (
        keras.layers.MultiHeadAttention(2, 2),
        keras.layers.GroupQueryAttention(2, 4, 2),
    ):
        layer(x, x)
        parts = {name: internals.projection(layer, name) for name in names}
        assert all(isinstance(part, keras.layers.EinsumDense) for part in parts.values())
        inside = {id(v) for part in parts.values() for v in part.trainable_variables}
        assert inside == {id(v) for v in layer.trainable_variables}
    given = keras.layers.MultiHeadAttention(2, 2, output_shape=5)
    assert internals.sets_output_shape(given)
    assert not internals.sets_output_shape(keras.layers.MultiHeadAttention(2, 2))


def test_a_layer_is_copied_by_its_own_class():
    layer = keras.layers.Dense(2)
    layer.build((None, 3))
    assert isinstance(internals.unpickler(keras.layers.Dense)(*layer.__reduce__()[1]), type(layer))
