"""Calibrated pruning: exact masks and weights block by block, on any backend and model."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.pruning.sparsegpt import sparsegpt
from keras_lottery.toolkit.calibrated.blocks import blocks_of

keras_hub = pytest.importorskip("keras_hub")

BLOCK = "layers/gpt2_backbone/layers/transformer_decoder"
QUERIES = [f"{BLOCK}{i}/_self_attention_layer/query_dense/kernel" for i in ("", "_1")]


def inputs_of_queries(model, tokens):
    """Returns the inputs of each block's query projection, shape `(tokens, inputs)`."""
    backbone = model.backbone
    first, second = backbone.transformer_layers
    into = keras.Model(backbone.inputs, [backbone.embeddings_dropout.output, first.output])
    hidden = into({"token_ids": tokens, "padding_mask": np.ones_like(tokens)}, training=False)
    normed = [block._self_attention_layer_norm(h) for block, h in zip((first, second), hidden)]
    return [ops.convert_to_numpy(x).reshape(-1, x.shape[-1]) for x in normed]


def as_rows(kernel):
    """Returns a query kernel `(inputs, heads, size)` with one row per output."""
    return kernel.reshape(len(kernel), -1).T


@pytest.mark.backend
def test_wanda_prunes_each_block_by_what_pruned_blocks_give_it(gpt2, settings, tokens):
    before = masking.get_weights(gpt2)
    summary = kl.prune_calibrated(gpt2, kl.WandaConfig(**settings, sparsity=0.6))
    weights, masks = masking.get_weights(gpt2), kl.get_masks(gpt2)

    # 4 projections and 2 dense layers a block; not the embeddings, which are the head too.
    assert len(masks) == 12 and not [path for path in masks if "embed" in path]
    assert summary.prunable == sum(mask.size for mask in masks.values())
    assert summary.kept == sum(mask.sum() for mask in masks.values())
    for path, weight in weights.items():
        np.testing.assert_array_equal(weight, before[path] * masks.get(path, True))
    for path, x in zip(QUERIES, inputs_of_queries(gpt2, tokens)):
        scores = np.abs(as_rows(before[path])) * np.sqrt(np.sum(x**2, axis=0))
        lowest = np.argsort(scores, axis=1)[:, :9]  # floor(0.6 x 16)
        kept = as_rows(masks[path])
        assert not np.take_along_axis(kept, lowest, axis=1).any() and kept.sum() == 16 * 7
    output = masks[f"{BLOCK}/_self_attention_layer/output_dense/kernel"]  # (heads, size, outputs)
    assert (output.sum(axis=(0, 1)) == 7).all()
    assert (masks[f"{BLOCK}/_feedforward_output_dense/kernel"].sum(axis=0) == 24 - 14).all()


def test_wanda_by_layer_prunes_the_same_fraction_of_each_kernel(gpt2, settings):
    kl.prune_calibrated(gpt2, kl.WandaConfig(**settings, sparsity=0.6, scope="layer"))
    masks = kl.get_masks(gpt2)
    assert all((~mask).sum() == int(0.6 * mask.size) for mask in masks.values())


@pytest.mark.backend
def test_sparsegpt_updates_what_survives(gpt2, settings, tokens):
    kl.mask(gpt2)  # the embeddings too
    before = masking.get_weights(gpt2)
    kl.prune_calibrated(gpt2, kl.SparseGPTConfig(**settings, sparsity=0.5, block_size=8))
    weights, masks = masking.get_weights(gpt2), kl.get_masks(gpt2)
    for path, mask in masks.items():
        assert mask.sum() == (mask.size if "embed" in path else mask.size // 2), path
        assert not weights[path][~mask].any()
    for path, x in zip(QUERIES, inputs_of_queries(gpt2, tokens)):
        old, new = as_rows(before[path]), as_rows(weights[path])
        kept = np.ones(old.shape, bool)
        expected, mask = sparsegpt(old, x.T.astype(float) @ x, kept, 0.5, block_size=8)
        assert np.array_equal(as_rows(masks[path]), mask)
        np.testing.assert_allclose(new, expected, rtol=1e-3, atol=1e-4)
        assert np.sum(((new - old) @ x.T) ** 2) < np.sum(((old * mask - old) @ x.T) ** 2)


@pytest.mark.backend
@pytest.mark.parametrize("method", [kl.WandaConfig, kl.SparseGPTConfig])
def test_n_of_m_on_the_chosen_layers_of_a_model_with_masks(gpt2, settings, method):
    kl.mask(gpt2, exclude="*/transformer_decoder_1/*")
    dense = kl.get_masks(gpt2)
    name = f"{BLOCK}/_feedforward_intermediate_dense/kernel"
    dense[name][::4] = False
    kl.set_masks(gpt2, dense)
    summary = kl.prune_calibrated(
        gpt2, method(**settings, pattern="2:4"), filters=["feedforward", "value_dense"]
    )
    masks = kl.get_masks(gpt2)
    pruned = {path for path, mask in masks.items() if not mask.all()}
    value = f"{BLOCK}/_self_attention_layer/value_dense/kernel"
    output = f"{BLOCK}/_feedforward_output_dense/kernel"
    assert pruned == {name, value, output} == {row.path for row in summary.rows if row.prunable}
    for path in pruned:
        columns = masks[path].reshape(len(masks[path]), -1)
        assert (columns.reshape(-1, 4, columns.shape[1]).sum(axis=1) == 2).all()
    assert not masks[name][::4].any()


def test_layers_of_grouped_attention_and_gated_units(tokens, settings):
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.LlamaBackbone(
        vocabulary_size=20, num_layers=1, num_query_heads=4, num_key_value_heads=2, hidden_dim=16,
        intermediate_dim=12,
    )  # fmt: skip
    model = keras_hub.models.LlamaCausalLM(backbone, dtype="bfloat16")
    kl.prune_calibrated(model, kl.SparseGPTConfig(**settings, sparsity=0.25))
    masks, weights = kl.get_masks(model), masking.get_weights(model)
    assert len(masks) == 7 and all(4 * mask.sum() == 3 * mask.size for mask in masks.values())
    assert all(np.count_nonzero(weights[path]) == mask.sum() for path, mask in masks.items())


def test_a_model_of_layers_without_a_backbone(tokens, settings):
    ids = keras.Input((None,), dtype="int32")
    h = keras_hub.layers.TokenAndPositionEmbedding(20, 12, 8)(ids)
    for _ in range(2):
        h = keras_hub.layers.TransformerDecoder(8, 2)(h)
    inner = keras.Model(ids, h)
    assert blocks_of(inner) == inner.layers[-2:]
    model = keras.Model(ids, keras.layers.Dense(20)(inner(ids)))
    assert blocks_of(model) == inner.layers[-2:]
    kl.prune_calibrated(model, kl.WandaConfig(**settings))
    masks = kl.get_masks(model)
    assert len(masks) == 12 and all("transformer_decoder" in path for path in masks)
    assert all(2 * mask.sum() == mask.size for mask in masks.values())


@pytest.mark.backend
def test_an_error_half_way_leaves_the_model_whole(gpt2, settings):
    second = gpt2.backbone.transformer_layers[1]
    second._feedforward_layer_norm.gamma.assign(np.full(16, np.inf))
    before = masking.get_weights(gpt2)
    with pytest.raises(kl.LotteryError, match="Received: NaN or infinity in the input of"):
        kl.prune_calibrated(gpt2, kl.WandaConfig(**settings, sparsity=0.5))
    weights = masking.get_weights(gpt2)
    masks = kl.get_masks(gpt2)
    assert len(masks) == 6 and not [path for path in masks if "decoder_1" in path]
    for path, weight in weights.items():
        np.testing.assert_array_equal(weight, np.where(masks.get(path, True), before[path], 0))
    assert all(mask.sum() == mask.size // 2 for mask in masks.values())
    for layer in gpt2.backbone.transformer_layers:
        assert "call" not in vars(layer) and "call" not in vars(layer._self_attention_layer)
