"""KerasHub models: backbones, tasks, cached decoding, and their files."""

import keras
import numpy as np
import pytest

from keras_lottery import masking, toolkit

keras_hub = pytest.importorskip("keras_hub")
pytestmark = pytest.mark.backend


@pytest.fixture
def bert():
    backbone = keras_hub.models.BertBackbone(
        vocabulary_size=20, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=12,
        max_sequence_length=6, dropout=0.0,
    )  # fmt: skip
    return keras_hub.models.BertTextClassifier(backbone, num_classes=3, dropout=0.0)


@pytest.fixture
def gpt2():
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=20, num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=12,
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


@pytest.mark.filterwarnings("ignore::UserWarning")  # Keras on masks in KerasHub's T5
def test_mixtures_of_experts_and_relative_biases_are_known():
    mixtral = keras_hub.models.MixtralBackbone(
        vocabulary_size=9, num_layers=1, num_query_heads=2, num_key_value_heads=1, hidden_dim=4,
        intermediate_dim=3, num_experts=2, top_k=1,
    )  # fmt: skip
    t5 = keras_hub.models.T5Backbone(
        vocabulary_size=9, num_layers=1, num_heads=2, hidden_dim=4, intermediate_dim=3,
    )  # fmt: skip
    for model, ending, kind, count in (
        (mixtral, "_dense", "kernel", 3),
        (t5, "relative_attention_bias", "embedding", 2),
    ):
        infos = masking.describe(model)
        assert not [i.path for i in infos if "unknown layer" in i.reason]
        found = [i for i in infos if i.path.endswith(ending)]
        assert [(i.kind, i.prunable) for i in found] == [(kind, True)] * count


def test_every_weight_of_bert_is_known(bert):
    infos = masking.describe(bert)
    assert not [i.path for i in infos if "unknown layer" in i.reason]
    paths = masking.variables(bert)
    assert {id(v) for v in paths.values()} == {id(v) for v in bert.weights}
    assert [i.path for i in infos if i.output and i.kind == "kernel"] == ["layers/dense/kernel"]
    embeddings = {i.path.rsplit("/", 1)[1] for i in infos if i.kind == "embedding"}
    assert embeddings == {"embeddings", "position_embeddings"}
    # 2 blocks of 4 projections and 2 dense layers, the pooler and the head.
    assert sum(i.kind == "kernel" for i in infos) == 2 * 6 + 2


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
        cache = keras.ops.zeros((1, 2, 2, 8, 2, 4))
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
