"""Which variables are prunable, of which kind, and which belong to the output layer."""

import keras
import numpy as np
import pytest

from keras_lottery import LotteryError, masking, toolkit
from keras_lottery.config import PruneConfig
from keras_lottery.masking import MaskOptions, describe, paths, prunable
from tests.keras_features import needs_reversible_embedding

L = keras.layers
pytestmark = pytest.mark.backend


def sequence(*layers, shape=(8, 8, 4)):
    return keras.Sequential([keras.Input(shape), *layers])


def kinds(model, options=None):
    return {i.path.split("/", 2)[2]: (i.kind, i.group) for i in describe(model, options)}


CONV = {"kernel": ("kernel", "conv"), "bias": ("bias", "conv")}
DENSE = {"kernel": ("kernel", "dense"), "bias": ("bias", "dense")}
CELL = {
    "cell/kernel": ("kernel", "recurrent"),
    "cell/recurrent_kernel": ("recurrent", "recurrent"),
    "cell/bias": ("bias", "recurrent"),
}
CASES = [
    (L.Dense(2), (3,), DENSE),
    (L.EinsumDense("ab,bc->ac", 2, bias_axes="c"), (3,), DENSE),
    (L.Conv1D(2, 3), (8, 2), CONV),
    (L.Conv2D(2, 3), (8, 8, 2), CONV),
    (L.Conv3D(2, 2), (4, 4, 4, 2), CONV),
    (L.Conv1DTranspose(2, 3), (8, 2), CONV),
    (L.Conv2DTranspose(2, 3), (8, 8, 2), CONV),
    (L.Conv3DTranspose(2, 2), (4, 4, 4, 2), CONV),
    (L.DepthwiseConv1D(3), (8, 2), CONV),
    (L.DepthwiseConv2D(3), (8, 8, 2), CONV),
    (
        L.SeparableConv2D(2, 3),
        (8, 8, 2),
        {
            "depthwise_kernel": ("kernel", "conv"),
            "pointwise_kernel": ("kernel", "conv"),
            "bias": ("bias", "conv"),
        },
    ),
    (L.Embedding(5, 2), (3,), {"embeddings": ("embedding", "embedding")}),
    (L.SimpleRNN(2), (3, 2), CELL),
    (L.LSTM(2), (3, 2), CELL),
    (L.GRU(2), (3, 2), CELL),
    (L.RNN(L.GRUCell(2)), (3, 2), CELL),
    (L.ConvLSTM1D(2, 3), (3, 8, 2), CELL),
    (
        L.RNN([L.LSTMCell(2), L.GRUCell(2)]),
        (3, 2),
        {
            k.replace("cell/", f"cell/cells/{cell}_cell/"): v
            for cell in ("lstm", "gru")
            for k, v in CELL.items()
        },
    ),
    (L.TimeDistributed(L.Dense(2)), (3, 2), {f"layer/{k}": v for k, v in DENSE.items()}),
    (L.LayerNormalization(), (3,), {"gamma": ("norm", "other"), "beta": ("norm", "other")}),
    (L.BatchNormalization(), (3,), {"gamma": ("norm", "other"), "beta": ("norm", "other")}),
    (L.GroupNormalization(1), (3,), {"gamma": ("norm", "other"), "beta": ("norm", "other")}),
    (L.RMSNormalization(), (3,), {"scale": ("norm", "other")}),
    (L.PReLU(), (3,), {"alpha": ("other", "other")}),
]


@pytest.mark.parametrize("layer,shape,expected", CASES, ids=lambda x: getattr(x, "name", ""))
def test_the_table_knows_keras_layers(layer, shape, expected):
    assert kinds(sequence(layer, shape=shape)) == expected


@needs_reversible_embedding
def test_the_table_knows_embeddings_that_are_read_both_ways():
    expected = {"embeddings": ("embedding", "embedding")}
    assert kinds(sequence(L.ReversibleEmbedding(5, 2), shape=(3,))) == expected


@pytest.mark.parametrize("layer", [L.MultiHeadAttention(2, 2), L.GroupQueryAttention(2, 4, 2)])
def test_the_four_projections_of_attention(layer):
    inputs = keras.Input((3, 4))
    infos = describe(keras.Model(inputs, layer(inputs, inputs)))
    kernels = [i for i in infos if i.kind == "kernel"]
    assert len(kernels) == 4
    assert all(i.prunable and i.layer == "EinsumDense" for i in kernels)
    # Biases of the projections have two axes, and are biases all the same.
    assert {i.kind for i in infos if len(i.shape) == 2 and i.path.endswith("bias")} <= {"bias"}


def test_options_choose_by_kind():
    model = sequence(L.Embedding(5, 2), L.LayerNormalization(), L.Dense(2), L.Dense(1), shape=(3,))

    def chosen(**options):
        return {
            i.path.split("/", 1)[1] for i in describe(model, MaskOptions(**options)) if i.prunable
        }

    standard = {"embedding/embeddings", "dense/kernel", "dense_1/kernel"}
    assert chosen() == standard
    assert chosen(biases=True) == standard | {"dense/bias", "dense_1/bias"}
    norms = {"layer_normalization/gamma", "layer_normalization/beta"}
    assert chosen(norms=True) == standard | norms
    assert chosen(embeddings=False) == standard - {"embedding/embeddings"}
    assert chosen(output=False) == standard - {"dense_1/kernel"}
    assert chosen(output_layer="*/dense", output=False) == standard - {"dense/kernel"}
    assert chosen(include=("*/dense*",)) == {"dense/kernel", "dense_1/kernel"}
    assert chosen(exclude=("*/embedding/*",)) == standard - {"embedding/embeddings"}


def test_a_pattern_matches_at_the_beginning_too():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.output_layer = L.Dense(2)

        def call(self, x):
            return self.output_layer(x)

    model = Model()
    model(np.zeros((1, 3)))
    infos = describe(model, MaskOptions(exclude=("*/output_layer/*",)))
    assert [i.reason for i in infos if i.kind == "kernel"] == ["excluded by '*/output_layer/*'"]


def test_a_config_serves_as_options():
    model = sequence(L.Dense(2), L.Dense(1), shape=(3,))
    infos = describe(model, PruneConfig(output=False))
    assert [i.reason for i in infos if i.kind == "kernel"] == ["", "output=False"]


def test_a_subclass_is_known_by_its_base():
    class MyDense(L.Dense):
        pass

    infos = describe(sequence(MyDense(2), shape=(3,)))
    assert {(i.layer, i.kind, i.prunable) for i in infos} == {
        ("MyDense", "kernel", True),
        ("MyDense", "bias", False),
    }


class Own(L.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 2))
        self.b = self.add_weight(shape=(2,))

    def call(self, x):
        return keras.ops.matmul(x, self.w) + self.b


def test_an_unknown_layer_is_skipped_and_registered_in_one_line(monkeypatch):
    monkeypatch.setattr(prunable, "_TABLE", dict(prunable._TABLE))
    model = sequence(Own(), shape=(3,))
    before = describe(model)
    assert [(i.prunable, "register_prunable(Own" in i.reason) for i in before] == [
        (False, True)
    ] * 2
    masking.register_prunable(Own, kernel=("w",), bias=("b",))
    assert [(i.kind, i.group, i.prunable) for i in describe(model)] == [
        ("bias", "dense", False),
        ("kernel", "dense", True),
    ]


def test_registering_is_checked():
    with pytest.raises(LotteryError, match="Expected a subclass"):
        masking.register_prunable(L.Dense(1), kernel=("w",))
    with pytest.raises(LotteryError, match="groups"):
        masking.register_prunable(Own, kernel=("w",), group="matrix")


def outputs(model, **options):
    return {i.path.rsplit("/", 1)[0] for i in describe(model, MaskOptions(**options)) if i.output}


def test_the_output_layer_is_found_through_layers_without_weights():
    inputs = keras.Input((4, 4, 1))
    x = L.Flatten()(L.Conv2D(2, 3)(inputs))
    x = L.Softmax()(L.BatchNormalization()(L.Dense(3)(x)))
    assert outputs(keras.Model(inputs, x)) == {"layers/dense"}


def test_each_of_several_outputs_has_an_output_layer():
    inputs = keras.Input((4,))
    x = L.Dense(3)(inputs)
    model = keras.Model(inputs, [L.Dense(2)(x), L.Activation("relu")(L.Dense(1)(x))])
    assert outputs(model) == {"layers/dense_1", "layers/dense_2"}


def test_the_output_layer_is_found_in_nested_models_and_wrappers():
    inner = keras.Sequential([keras.Input((3, 4)), L.Dense(4), L.TimeDistributed(L.Dense(2))])
    inputs = keras.Input((3, 4))
    model = keras.Model(inputs, inner(L.Dense(4)(inputs)))
    assert outputs(model) == {"layers/sequential/layers/time_distributed/layer"}


def test_a_recurrent_output_layer_is_its_cell():
    model = sequence(L.Dense(3), L.Bidirectional(L.LSTM(2)), shape=(3, 4))
    assert outputs(model) == {
        f"layers/bidirectional/{way}_layer/cell" for way in ("forward", "backward")
    }


def test_in_a_subclassed_model_the_last_assigned_layer_makes_the_output():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.z_first = L.Dense(4)
            self.a_last = L.Dense(2)
            self.softmax = L.Softmax()

        def call(self, x):
            return self.softmax(self.a_last(self.z_first(x)))

    model = Model()
    model(np.zeros((1, 3)))
    assert outputs(model) == {"a_last"}
    assert outputs(model, output_layer="z_*") == {"z_first"}
    with pytest.raises(LotteryError, match="output_layer"):
        describe(model, MaskOptions(output_layer="head"))


def test_a_model_is_walked_once_to_be_masked_and_once_more_to_be_pruned(monkeypatch):
    walks, walk = [], paths.layer_paths

    def counted(layer):
        walks.append(layer)
        return walk(layer)

    monkeypatch.setattr(paths, "layer_paths", counted)
    model = sequence(L.Conv2D(2, 3), L.Flatten(), L.Dense(2))
    toolkit.mask(model)
    assert walks == [model]
    toolkit.prune(sequence(L.Dense(2)), 0.5)
    assert len(walks) == 3
