"""KerasHub models: backbones, tasks, cached decoding, and their files."""

import ast
import importlib
import inspect
import textwrap

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit
from keras_lottery.masking import prunable

keras_hub = pytest.importorskip("keras_hub")
pytestmark = pytest.mark.backend


@pytest.fixture
def bert():
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=20, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=12,
        max_sequence_length=6, dropout=0.0,
    )  # fmt: skip
    return keras_hub.models.BertTextClassifier(backbone, num_classes=3, dropout=0.0)


@pytest.fixture
def gpt2():
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=20, num_layers=1, num_heads=2, hidden_dim=8, intermediate_dim=12,
        max_sequence_length=8, dropout=0.0,
    )  # fmt: skip
    return keras_hub.models.GPT2CausalLM(backbone)


@pytest.fixture
def tokens():
    rng = np.random.default_rng(0)
    x = {
        "token_ids": rng.integers(1, 20, (8, 6)).astype("int32"),
        "segment_ids": np.zeros((8, 6), "int32"),
        "padding_mask": np.ones((8, 6), "bool"),
    }
    return x, rng.integers(0, 3, 8).astype("int32")


def assert_sparse(model):
    weights = masking.get_weights(model)
    for path, mask in masking.get_masks(model).items():
        assert np.all(weights[path][~mask] == 0), path


def layers_of_keras_hub():
    """Yields the layer classes of KerasHub."""
    waiting = [keras.Layer]
    while waiting:
        waiting += (cls := waiting.pop()).__subclasses__()
        if cls.__module__.startswith("keras_hub."):
            yield cls


def trained_weights(cls):
    """Yields the attributes that a class' own source gives a weight that is trained."""
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(cls)))):
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        arguments = {word.arg: ast.unparse(word.value) for word in node.value.keywords}
        adds_weight = getattr(node.value.func, "attr", "") == "add_weight"
        if adds_weight and arguments.get("trainable") != "False":
            yield node.targets[0].attr


def test_the_table_knows_every_trained_weight_of_keras_hubs_layers():
    weights = [(cls, name) for cls in layers_of_keras_hub() for name in trained_weights(cls)]
    tables = {cls: prunable.prunable_weights(object.__new__(cls)) for cls, _ in weights}
    unknown = [(c, n) for c, n in weights if tables[c] is None or n not in tables[c].kinds]
    assert len(weights) > 50 and not unknown


def from_source(module, name):
    return getattr(importlib.import_module(f"keras_hub.src.models.{module}"), name)


def experts(module, name):
    """Returns a model of two experts of a class, with a gate."""
    layer = from_source(module, name)(2, 6, 4)
    x = keras.Input((6,))
    gates = keras.layers.Dense(2, "softmax")(x)
    if name == "Gemma4MoEBlock":
        return keras.Model(x, layer(x, gates))
    return keras.Model(x, keras.ops.einsum("eth,te->th", layer(x), gates))


def sequence_layer(layer):
    x = keras.Input((4, 6))
    y = layer(x)
    return keras.Model(x, y[0] if isinstance(y, tuple | list) else y)


def t5():
    return keras_hub.models.T5Backbone(
        vocabulary_size=9, num_layers=1, num_heads=2, hidden_dim=4, intermediate_dim=3,
        dropout=0.0,
    )  # fmt: skip


def time_mix():
    return sequence_layer(from_source("rwkv7.rwkv7_layer", "RWKV7TimeMix")(6, 2, 3, 3, 3, 3))


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras on masks in KerasHub's T5
@pytest.mark.parametrize(
    ("make", "weights"),
    [
        (
            lambda: experts("mixtral.mixtral_decoder", "MixtralMoeExperts"),
            ["gate_dense", "intermediate_dense", "output_dense"],
        ),
        (
            lambda: experts("qwen_moe.qwen_moe_decoder", "QwenMoeExperts"),
            ["gate_dense", "output_dense"],
        ),
        (
            lambda: experts("gpt_oss.gpt_oss_decoder", "GptOssExperts"),
            ["down_proj", "gate_up_proj"],
        ),
        (
            lambda: experts("gemma4.gemma4_moe", "Gemma4MoEBlock"),
            ["down_proj", "gate_proj", "up_proj"],
        ),
        (time_mix, ["w1", "w2", "a1", "a2", "g1", "g2"]),
        (t5, ["relative_attention_bias"]),
    ],
    ids=["mixtral", "qwen", "gpt_oss", "gemma4", "rwkv7", "t5"],
)
def test_weights_of_custom_layers_are_masked_exactly(make, weights, random_masks, tmp_path):
    model = toolkit.mask(make())
    rows = toolkit.summary(model).rows
    assert {row.path for row in rows} >= set(masking.get_masks(model))
    assert all(row.prunable or row.reason for row in rows)
    assert not [row.path for row in rows if "unknown layer" in row.reason]
    for name in weights:
        assert [row.prunable for row in rows if row.path.endswith(name)].count(True) >= 1, name

    dense = {path: weight + 0.05 for path, weight in masking.get_weights(model).items()}
    masking.set_masks(model, random_masks(model))
    masking.set_weights(model, dense)  # only the mask makes them zero
    x = keras.tree.map_structure(example, model.input)
    y = assert_equal_outputs(model, masking.strip(model), x)

    masking.set_masks(model, masking.get_masks(model))
    model.compile("adam", "mse", run_eagerly=True)  # compiling takes longer
    model.train_on_batch(x, keras.tree.map_structure(np.ones_like, y))
    assert_sparse(model)
    after = masking.get_weights(model)
    for path, mask in masking.get_masks(model).items():
        if path.endswith(tuple(weights)):
            assert np.any(after[path][mask] != dense[path][mask]), path
    model.save(tmp_path / "m.keras")
    assert_equal_outputs(model, masking.strip(model), x)
    assert_equal_outputs(model, keras.saving.load_model(tmp_path / "m.keras"), x)


def example(tensor):
    """Returns an input of 3 sequences, or the features of 3 tokens, for a symbolic one."""
    shape = (3, *(4 if size is None else size for size in tensor.shape[1:]))
    if "padding_mask" in tensor.name:
        return np.ones(shape, tensor.dtype)
    if "int" in tensor.dtype:
        return (1 + np.arange(np.prod(shape)) % 7).reshape(shape).astype(tensor.dtype)
    return np.random.default_rng(0).normal(size=shape).astype(tensor.dtype)


def assert_equal_outputs(model, other, x):
    """Returns the outputs of two models, which must be equal."""
    x = keras.tree.map_structure(keras.ops.convert_to_tensor, x)
    outputs = [
        keras.tree.map_structure(keras.ops.convert_to_numpy, one(x, training=False))
        for one in (model, other)
    ]
    for one, two in zip(*map(keras.tree.flatten, outputs), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)
    return outputs[0]


def test_every_weight_of_bert_is_known(bert):
    infos = masking.describe(bert)
    assert not [i.path for i in infos if "unknown layer" in i.reason]
    paths = masking.variables(bert)
    assert {id(v) for v in paths.values()} == {id(v) for v in bert.weights}
    assert [i.path for i in infos if i.output and i.kind == "kernel"] == ["layers/dense/kernel"]
    embeddings = {i.path.rsplit("/", 1)[1] for i in infos if i.kind == "embedding"}
    assert embeddings == {"embeddings", "position_embeddings"}
    # A block of 4 projections and 2 dense layers, the pooler and the head.
    assert sum(i.kind == "kernel" for i in infos) == 6 + 2


def test_bert_trains_sparsely_and_loads_in_a_fresh_process(
    bert, tokens, random_masks, tmp_path, run_python
):
    x, y = tokens
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    bert.compile(keras.optimizers.AdamW(0.01), loss)
    toolkit.mask(bert, exclude="*/position_embedding/*")
    masking.set_masks(bert, random_masks(bert))
    bert.fit(x, y, batch_size=4, shuffle=False, verbose=0)
    assert_sparse(bert)
    masks = masking.get_masks(bert)
    bert.save(tmp_path / "bert.keras")
    out = bert.predict(x, verbose=0)
    np.savez(tmp_path / "expected.npz", out=out, y=y, **{f"x:{k}": v for k, v in x.items()})
    said = run_python(
        """
import sys, keras, numpy as np, keras_lottery
from keras_lottery import masking
model = keras.saving.load_model(sys.argv[1])
data = np.load(sys.argv[2])
x = {k[2:]: data[k] for k in data if k.startswith("x:")}
np.testing.assert_allclose(model.predict(x, verbose=0), data["out"], rtol=1e-4, atol=1e-5)
model.fit(x, data["y"], shuffle=False, verbose=0)
weights = masking.get_weights(model)
masks = masking.get_masks(model)
assert all((weights[p][~m] == 0).all() for p, m in masks.items())
print("loaded", len(masks), sum(int(m.sum()) for m in masks.values()))
""",
        tmp_path / "bert.keras",
        tmp_path / "expected.npz",
    )
    kept = sum(int(mask.sum()) for mask in masks.values())
    assert said.split()[-2:] == [str(len(masks)), str(kept)]

    plain = masking.strip(bert)
    assert type(plain) is keras_hub.models.BertTextClassifier
    np.testing.assert_allclose(plain.predict(x, verbose=0), out, rtol=1e-4, atol=1e-5)


def test_cached_decoding_is_masked(gpt2, random_masks):
    toolkit.mask(gpt2)
    weights = {p: w + 0.05 for p, w in masking.get_weights(gpt2).items()}
    masks = random_masks(gpt2)
    masking.set_masks(gpt2, masks)
    masking.set_weights(gpt2, weights)  # dense on purpose: only the mask makes them zero
    plain = masking.strip(gpt2)
    prompt = {
        "token_ids": np.array([[3, 7, 1, 0, 0, 0, 0, 0]], "int32"),
        "padding_mask": np.array([[1, 1, 1, 0, 0, 0, 0, 0]], "int32"),
    }
    dense = masking.strip(gpt2)
    masking.set_weights(dense, weights)
    outs = []
    for model in (gpt2, plain, dense):
        model.compile(sampler="greedy")
        model.preprocessor = None
        outs.append(np.asarray(model.generate(prompt, stop_token_ids=None)["token_ids"]))
    assert np.array_equal(outs[0], outs[1])

    # The cached path itself, without the model's `call`.
    ids = keras.ops.convert_to_tensor(prompt["token_ids"])
    logits = []
    for model in (gpt2, plain, dense):
        cache = keras.ops.zeros((1, 1, 2, 8, 2, 4))
        logits.append(keras.ops.convert_to_numpy(model.call_with_cache(ids, cache, 0)[0]))
    np.testing.assert_allclose(logits[0], logits[1], rtol=1e-4, atol=1e-5)
    assert not np.allclose(logits[0], logits[2], rtol=1e-2)


def test_tied_embeddings_are_masked_once(gpt2, random_masks):
    toolkit.mask(gpt2)
    tables = [p for p in masking.get_masks(gpt2) if p.endswith("/embeddings")]
    assert len(tables) == 1
    masking.set_masks(gpt2, random_masks(gpt2))
    gpt2.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x = {"token_ids": np.ones((4, 8), "int32"), "padding_mask": np.ones((4, 8), "int32")}
    gpt2.fit(x, np.ones((4, 8), "int32"), shuffle=False, verbose=0)
    assert_sparse(gpt2)


@pytest.mark.parametrize("kind", ["TransformerEncoder", "TransformerDecoder"])
def test_transformer_layers_inside_a_functional_model(kind, random_masks, tmp_path):
    inputs = keras.Input((4, 8))
    layer = getattr(keras_hub.layers, kind)(12, 2)
    model = keras.Model(inputs, keras.layers.Dense(2)(layer(inputs)))
    toolkit.mask(model)
    assert len(masking.get_masks(model)) == 7
    masking.set_masks(model, random_masks(model))
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).normal(size=(2, 4, 8)).astype("float32")
    loaded, plain = keras.saving.load_model(tmp_path / "m.keras"), masking.strip(model)
    for one in (loaded, plain):
        np.testing.assert_allclose(
            one.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-4, atol=1e-5
        )
    masks = masking.get_masks(model)
    assert all(np.array_equal(m, masks[p]) for p, m in masking.get_masks(loaded).items())
