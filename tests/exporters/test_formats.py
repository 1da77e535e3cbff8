"""Every format is reloaded by its own runtime, keeps the zeros, and says what it can't do."""

from importlib.util import find_spec

import keras
import numpy as np
import pytest
from safetensors import safe_open

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.exporters import exporters
from keras_lottery.exporters.formats.keras_export import is_weight
from keras_lottery.exporters.writing import named_operation

from .made import CopyExporter, mlp

BACKEND = keras.config.backend()
# JAX and torch write one each, in a process on TensorFlow.
FORMATS = {
    "tensorflow": ("packed", "litert", "litert_sparse", "onnx", "openvino", "safetensors"),
    "jax": ("onnx", "safetensors"),
    "torch": ("litert", "safetensors"),
}[BACKEND]
SMALLER = ("packed", "litert_sparse")  # than the dense network
INT8 = {
    "tensorflow": {"litert": "LiteRT", "onnx": "ONNX Runtime", "safetensors": "Keras"},
    "jax": {"safetensors": "Keras"},
    "torch": {"safetensors": "Keras"},
}[BACKEND]


def needs_packages_of(name):
    """Skips the test where what the format needs is not installed, as in `make compat`."""
    for package, extra in exporters[name].packages:
        if find_spec(package) is None:
            pytest.skip(f"needs the extra {extra}")


class Inverse(keras.layers.Layer):
    """An operation that only TensorFlow has."""

    def call(self, inputs):
        return keras.ops.linalg.inv(inputs)


@pytest.fixture(scope="module")
def masked():
    """A convolution with batch norm and a head, 32,768 + 216 prunable weights, 90 % pruned."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3), name="image"),
            keras.layers.Conv2D(8, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.ReLU(),
            keras.layers.Flatten(),
            keras.layers.Dense(64),
        ]
    )
    model = kl.mask(model)
    kl.prune(model, sparsity=0.9)
    return model


@pytest.fixture(scope="module")
def exported(masked, tmp_path_factory):
    """Returns the report of a format, written once."""
    folder, reports = tmp_path_factory.mktemp("formats"), {}

    def export(name, quantize=None):
        needs_packages_of(name)
        if (name, quantize) not in reports:
            out = folder / f"{name}-{quantize}{exporters[name].suffix}"
            dense = bool(quantize) or name in SMALLER
            reports[name, quantize] = kl.export(masked, out, name, quantize=quantize, dense=dense)
        return reports[name, quantize]

    return export


@pytest.mark.backend
@pytest.mark.parametrize("name", FORMATS)
def test_it_answers_as_the_model_did_and_stores_its_zeros(name, exported):
    report = exported(name)
    assert report.max_abs_difference <= min(report.tolerance, 1e-5)
    assert report.prunable_zeros == int(0.9 * 32_984)
    size, zeros = report.stored
    assert zeros >= report.prunable_zeros and size >= report.prunable
    assert report.outputs == (() if name == "safetensors" else ("outputs",))
    assert set(report.latency) == (set() if name == "safetensors" else {1, 32})
    if name in SMALLER:
        assert report.bytes < report.dense.bytes


@pytest.mark.backend
@pytest.mark.parametrize("name", INT8)
def test_int8_says_what_quantized_it_and_keeps_the_zeros(name, exported):
    report = exported(name, "int8")
    assert report.quantization.startswith(INT8[name])
    assert report.stored[1] >= int(0.9 * 32_984)
    assert report.bytes < 0.6 * report.dense.bytes


@pytest.mark.backend
def test_compaction_comes_before_the_format(tmp_path):
    model = kl.mask(mlp(16, 32, 4))
    kl.prune(model, sparsity=0.5, pattern="channels")
    report = kl.export(model, tmp_path / "a.safetensors", "safetensors", compact=True)
    assert report.parameters == 16 * 16 + 16 + 16 * 4 + 4
    assert report.dense.parameters == 16 * 32 + 32 + 32 * 4 + 4


@pytest.mark.backend
def test_the_model_to_export_is_not_modified(tmp_path):
    model = mlp(4, 3)
    model.layers[0].kernel.assign(np.eye(4, 3))
    kl.export(model, tmp_path / "a.safetensors", "safetensors")
    assert np.array_equal(keras.ops.convert_to_numpy(model.layers[0].kernel), np.eye(4, 3))


@pytest.mark.backend
@pytest.mark.parametrize("name", sorted({"onnx", "litert"} & {*FORMATS}))
def test_an_operation_that_a_format_has_not_is_named(name, tmp_path):
    needs_packages_of(name)
    model = keras.Sequential([keras.Input((3, 3)), Inverse()])
    x = np.eye(3, dtype="float32")[None] * 2
    with pytest.raises(kl.LotteryError, match=r"Expected .*Received.*: .*(MatrixInverse|Inverse)"):
        kl.export(model, tmp_path / f"a{exporters[name].suffix}", name, inputs=x)
    assert not list(tmp_path.iterdir())


@pytest.mark.backend
@pytest.mark.parametrize(
    "name", sorted({"saved_model", "openvino", "litert"} & {*FORMATS, "saved_model"})
)
def test_repeated_outputs_odd_names_and_a_fixed_batch_size(name, tmp_path):
    needs_packages_of(name)
    x = keras.Input(batch_shape=(1, 4), name="größe")
    y = keras.layers.Dense(4, name="d")(x)
    model = keras.Model(x, {"b": x, "c": y, "a": y, "_z": keras.ops.relu(y)})
    report = kl.export(model, tmp_path / f"a{exporters[name].suffix}", name, dense=False)
    assert report.inputs == {"gr__e": "(1, 4) float32"}
    assert report.outputs == ("a", "b", "c", "z")
    assert report.notes == ()


def test_half_precision_is_named_instead_of_the_operation():
    text = "'tf.Conv2D' op is neither custom nor flex: tensor<?x8x8x3x{}>"
    assert "Use a float32 dtype policy" in named_operation(ValueError(text.format("f16")))
    assert named_operation(ValueError(text.format("bf16"))).startswith("bfloat16 computation")
    assert named_operation(ValueError(text.format("f32"))).startswith("the operation Conv2D")


def test_shapes_scales_and_zero_points_are_no_weights():
    assert is_weight(np.zeros(2, "float32")) and is_weight(np.zeros((2, 2), "int8"))
    constants = [np.zeros(2, "int64"), np.zeros(2, "int32"), np.zeros((), "int8"), np.float32(1)]
    assert not any(map(is_weight, constants))


def test_a_network_of_scalars_is_not_said_to_be_constant(monkeypatch, tmp_path):
    CopyExporter().install(monkeypatch)
    x = keras.Input((4,))
    model = keras.Model(x, keras.ops.sum(keras.layers.Dense(2)(x)))
    assert kl.export(model, tmp_path / "a.bin", "copy").notes == ()


def test_a_constant_network_is_said_to_be_one(monkeypatch, tmp_path):
    CopyExporter().install(monkeypatch)
    model = kl.mask(mlp(4, 3, 2))
    assert kl.export(model, tmp_path / "a.bin", "copy").notes == ()
    masking.set_masks(model, {p: np.zeros_like(m) for p, m in masking.get_masks(model).items()})
    report = kl.export(model, tmp_path / "b.bin", "copy")
    assert any("the same output for every input" in note for note in report.notes)


@pytest.mark.parametrize(
    ("out", "name", "quantize", "message"),
    [
        ("a.onx", "onnxx", None, "Did you mean 'onnx'"),
        ("a.tflite", "onnx", None, r"ends in \.onnx"),
        ("a.keras", "saved_model", None, r"folder, without \.keras"),
        ("taken", "saved_model", None, "which exists"),
        ("a.tflite", "litert", "int9", "Did you mean 'int8'"),
        ("a", "openvino", "int8", "'openvino', .* Use the format litert"),
        ("a.safetensors", "safetensors", "int8", "Dense, EinsumDense, Embedding"),
    ],
)
def test_bad_input_is_one_clear_line(out, name, quantize, message, tmp_path):
    (tmp_path / "taken").mkdir()
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(2, 3)])
    with pytest.raises(kl.LotteryError, match=message) as error:
        kl.export(model, tmp_path / out, name, quantize=quantize)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


@pytest.mark.parametrize(
    ("name", "package", "extra"),
    [
        ("litert", "ai_edge_litert", "litert"),
        ("onnx", "tf2onnx", "onnx"),
        ("openvino", "openvino", "openvino"),
        ("packed", "tensorflow", "export"),
    ],
)
def test_a_missing_extra_is_named(name, package, extra, monkeypatch, tmp_path):
    real = __import__("importlib.util").util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda n: None if n == package else real(n))
    with pytest.raises(kl.LotteryError, match=rf"pip install '\.\[{extra}\]'"):
        kl.export(mlp(4, 2), tmp_path / f"a{exporters[name].suffix}", name)


@pytest.mark.backend
def test_a_masked_model_is_quantized_after_it_is_stripped():
    model = kl.mask(mlp(4, 3, 2))
    with pytest.raises(kl.LotteryError, match="Strip the model first"):
        model.quantize("int8")


@pytest.mark.backend
def test_scalars_are_stored_as_scalars(tmp_path):
    inputs = keras.Input((3, 4))
    outputs = keras.layers.Attention(use_scale=True)([inputs, inputs])
    model = keras.Model(inputs, keras.layers.Dense(2)(outputs))
    report = kl.export(model, tmp_path / "a.safetensors", "safetensors")
    with safe_open(tmp_path / "a.safetensors", framework="numpy") as file:
        assert file.get_tensor("layers/attention/scale").shape == ()
    assert [v.shape for v in report.variables if v.path == "layers/attention/scale"] == [()]


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["saved_model", "packed"])
def test_look_up_tables_are_saved(name, tmp_path):
    inputs = keras.Input((3,), dtype="int64")
    hidden = keras.layers.IntegerLookup(vocabulary=[10, 20, 30])(inputs)
    hidden = keras.layers.Flatten()(keras.layers.Embedding(4, 2)(hidden))
    model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
    assert kl.export(model, tmp_path / "out", name, dense=False).max_abs_difference < 1e-5


@pytest.mark.backend
@pytest.mark.skipif(BACKEND == "torch", reason="it writes neither format itself")
@pytest.mark.parametrize("name", sorted({"openvino", "onnx"} & {*FORMATS}))
def test_more_than_ten_outputs_keep_their_names(name, tmp_path):
    needs_packages_of(name)
    inputs = keras.Input((3,))
    hidden = keras.layers.Dense(4)(inputs)
    model = keras.Model(inputs, [keras.layers.Dense(2)(hidden) for _ in range(11)])
    report = kl.export(model, tmp_path / f"a{exporters[name].suffix}", name, dense=False)
    assert len(report.outputs) == 11
