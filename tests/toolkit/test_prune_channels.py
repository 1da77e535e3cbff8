"""Pruning by channels: from a dense model to one that is really smaller."""

from functools import cache

import keras
import numpy as np
import pytest

import keras_lottery as kl
from benchmarks.zoo import randomize
from keras_lottery import masking, pruning
from keras_lottery.compaction.channels import channel_inventory, cost_of
from keras_lottery.errors import LotteryError
from keras_lottery.masking.inventory import read_model

L = keras.layers


def vision():
    """Residual, depthwise, grouped, shared and gated convolutions with batch normalization."""
    x = keras.Input((8, 8, 3))
    y = L.BatchNormalization()(L.Conv2D(8, 3, padding="same", use_bias=False)(x))
    shared = L.Conv2D(8, 3, padding="same", activation="sigmoid", name="shared")
    y = L.Add()([y, shared(y)])
    y = L.ReLU()(L.BatchNormalization()(L.DepthwiseConv2D(3, padding="same")(y)))
    y = L.Concatenate()([shared(y), L.Conv2D(8, 1, groups=4)(y)])
    gate = L.Dense(16, activation="sigmoid")(L.GlobalAveragePooling2D()(y))
    y = L.Conv2D(6, 3, name="last")(L.Multiply()([y, L.Reshape((1, 1, 16))(gate)]))
    return keras.Model(x, L.Dense(3, name="head")(L.Flatten()(y)))


def sequences():
    """Two inputs, an embedding, recurrent layers and attention."""
    words, numbers = keras.Input((6,), dtype="int32"), keras.Input((4,))
    y = L.LSTM(8, return_sequences=True)(L.Embedding(11, 8)(words))
    y = L.Bidirectional(L.GRU(6, return_sequences=True))(y)
    y = L.GlobalAveragePooling1D()(L.MultiHeadAttention(4, 3)(y, y))
    y = L.Concatenate()([y, L.Dense(6, activation="gelu")(numbers)])
    return keras.Model([words, numbers], L.Dense(3, name="head")(y))


def batch_of(model, rng):
    x = [
        rng.integers(0, 11, (8, *i.shape[1:])) if "int" in str(i.dtype)
        else rng.normal(size=(8, *i.shape[1:])).astype("float32")
        for i in model.inputs
    ]  # fmt: skip
    return x if len(x) > 1 else x[0], rng.normal(size=(8, 3)).astype("float32")


@pytest.mark.backend
@pytest.mark.parametrize("build", [vision, sequences])
def test_prune_train_and_compact(build):
    keras.utils.set_random_seed(0)
    model = randomize(build())
    model.compile(keras.optimizers.Adam(0.01), "mse")
    x, y = batch_of(model, np.random.default_rng(0))
    summary = kl.prune(model, sparsity=0.5, pattern="channels", criterion="taylor", data=(x, y))
    masks = kl.get_masks(model)
    infos = channel_inventory(read_model(model)).infos
    groups = pruning.layout_of("channels", infos).fold(masks)
    size = sum(mask.size for mask in groups.values())
    assert pruning.kept(groups) == size - size // 2
    assert all(mask.any() for mask in groups.values())
    assert summary.kept == pruning.kept(masks)
    for _ in range(3):
        model.train_on_batch(x, y)
    for path, value in masking.get_weights(model).items():
        if path in masks:
            assert not value[~masks[path]].any() and value[masks[path]].any()
    small = kl.compact(model)
    report = kl.compaction_report(small)
    predicted = cost_of(channel_inventory(read_model(model)))
    assert small.count_params() == predicted.parameters(masks) < 0.5 * model.count_params()
    assert report.flops == (predicted.flops(pruning.full_masks(infos)), predicted.flops(masks))
    assert report.bytes[1] == predicted.bytes(masks)
    assert report.difference <= 1e-5
    np.testing.assert_allclose(small.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-5)


def test_which_channels_go_together():
    inventory = channel_inventory(read_model(vision()))
    layout = pruning.layout_of("channels", inventory.infos)
    sizes = {info.path: info.size for info in layout.infos}
    # The groups of a convolution couple two channels each, of all that it reads and is joined to.
    assert sizes == {"layers/conv2d/kernel": 4, "layers/conv2d_3/kernel": 6}
    reasons = {info.path: info.reason for info in inventory.infos if not info.prunable}
    assert reasons == {"layers/dense_1/bias": "its channels can't be removed: output of the model"}


def test_permuted_controls_move_whole_groups_of_coupled_channels():
    model = vision()
    inventory = channel_inventory(read_model(model))
    layout, cost = pruning.layout_of("channels", inventory.infos), cost_of(inventory)
    weights = masking.get_weights(model)
    masks = pruning.prune_to(weights, {}, inventory.infos, 0.5, pattern="channels")
    before = layout.fold(masks)
    for permute in (pruning.permute_layer, pruning.permute_global):
        shuffled = permute(masks, np.random.default_rng(1), layout)
        after = layout.fold(shuffled)
        assert pruning.kept(after) == pruning.kept(before) == 5
        assert any((after[path] != before[path]).any() for path in before)
        whole = layout.unfold(after, pruning.full_masks(inventory.infos))
        assert all((whole[path] == mask).all() for path, mask in shuffled.items())
        if permute is pruning.permute_layer:
            assert {p: m.sum() for p, m in after.items()} == {p: m.sum() for p, m in before.items()}
            assert cost.parameters(shuffled) == cost.parameters(masks)
        masked = kl.mask(vision(), pattern="channels")
        kl.set_masks(masked, shuffled)
        assert kl.compact(masked).count_params() == cost.parameters(shuffled)


def small():
    x = keras.Input((6, 6, 3))
    y = L.ReLU()(L.BatchNormalization()(L.Conv2D(8, 3, name="first")(x)))
    y = L.ReLU()(L.Conv2D(8, 3, name="second")(y))
    return randomize(keras.Model(x, L.Dense(4, name="head")(L.Flatten()(y))))


def kept_channels(model, name):
    kernel = kl.get_masks(model)[f"layers/{name}/kernel"]
    return int(kernel.any(axis=(0, 1, 2)).sum())


def test_a_target_of_flops_or_bytes():
    model = small()
    kl.prune(model, flops=0.5, pattern="channels")
    before, after = kl.compaction_report(kl.compact(model)).flops
    assert 0.4 * before < after <= 0.5 * before
    kl.prune(model, flops=0.4, pattern="channels")  # reached already
    assert kl.compaction_report(kl.compact(model)).flops[1] == after
    model = small()
    kl.prune(model, bytes=3000, pattern="channels", scope="layer")
    assert 2000 < kl.compaction_report(kl.compact(model)).bytes[1] <= 3000
    kl.prune(model, bytes=2000, pattern="channels", dry_run=True)
    assert kl.compaction_report(kl.compact(model)).bytes[1] > 2000


def test_a_multiple_of_channels_meets_a_target_of_flops():
    model = small()
    kl.prune(model, flops=0.5, pattern="channels:4")
    compacted = kl.compact(model)
    before, after = kl.compaction_report(compacted).flops
    assert after <= 0.5 * before
    assert {layer.filters for layer in compacted.layers if isinstance(layer, L.Conv2D)} <= {4, 8}


def test_sparsities_per_layer():
    model = small()
    kl.prune(model, sparsity={"first": 0.75}, pattern="channels")
    assert (kept_channels(model, "conv2d"), kept_channels(model, "conv2d_1")) == (2, 8)
    kl.prune(model, sparsity={"second": 0.5}, pattern="channels")
    assert (kept_channels(model, "conv2d"), kept_channels(model, "conv2d_1")) == (2, 4)
    model = small()
    kl.prune(model, sparsity={"first": 0.5, "head": 0.9})
    masks = kl.get_masks(model)
    sparsities = [1 - masks[f"layers/{n}/kernel"].mean() for n in ("conv2d", "conv2d_1", "dense")]
    np.testing.assert_allclose(sparsities, [0.5, 0, 0.9], atol=0.01)


def test_layers_that_are_excluded_keep_their_channels_but_not_their_inputs():
    model = small()
    kl.prune(model, sparsity=0.5, pattern="channels", exclude="second")
    assert (kept_channels(model, "conv2d"), kept_channels(model, "conv2d_1")) == (4, 8)
    assert kl.get_masks(model)["layers/conv2d_1/kernel"].mean() == 0.5


def test_a_model_with_masks_of_weights_gets_the_others():
    model = small()
    kl.prune(model, sparsity=0.5)
    kl.prune(model, sparsity=0.5, pattern="channels")
    assert not kl.get_masks(model)["layers/batch_normalization/gamma"].all()
    assert kl.compact(model).count_params() < 0.5 * model.count_params()


def test_masks_of_other_kinds():
    model = kl.mask(small(), parametrization="frozen")
    kl.prune(model, sparsity=0.5, pattern="channels")
    assert (kept_channels(model, "conv2d"), kept_channels(model, "conv2d_1")) != (8, 8)
    with pytest.raises(LotteryError, match="a model with learned masks"):
        kl.prune(kl.mask(small(), parametrization="edge_popup"), pattern="channels")
    with pytest.raises(LotteryError, match="with the learned mask 'edge_popup'"):
        kl.mask(small(), parametrization="edge_popup", pattern="channels")


def test_gradual_pruning_of_channels():
    model = small()
    model.compile("sgd", "mse")
    x, y = np.ones((8, 6, 6, 3), "float32"), np.ones((8, 4), "float32")
    for pattern in ("channels", "channels:2"):
        callback = kl.callbacks.GradualPruning(0.5, 2, frequency=1, pattern=pattern, scope="layer")
        model.fit(x, y, epochs=1, batch_size=2, callbacks=[callback], verbose=0)
    assert (kept_channels(model, "conv2d"), kept_channels(model, "conv2d_1")) == (4, 4)
    assert kl.compaction_report(kl.compact(model)).flops[1] > 0


def test_two_of_four_and_blocks():
    model = small()
    summary = kl.prune(model, pattern="2:4")
    kernel = kl.get_masks(model)["layers/conv2d_1/kernel"]
    assert (kernel.reshape(3, 3, 2, 4, 8).sum(axis=3) == 2).all()
    assert "its 3 inputs are not a multiple of 4" in str(summary)
    assert summary.sparsity == 0.5
    model = small()
    kl.prune(model, sparsity=0.5, pattern="block:4x4")
    kernel = kl.get_masks(model)["layers/conv2d_1/kernel"].reshape(9, 2, 4, 2, 4)
    blocks = kernel.any(axis=(2, 4))
    assert (kernel == blocks[:, :, None, :, None]).all() and not blocks.all()


def test_input_axes():
    x = keras.Input((6, 6, 4))
    y = L.SeparableConv2D(4, 3)(L.DepthwiseConv2D(3, padding="same")(x))
    y = L.Reshape((64, 4))(L.Conv2DTranspose(4, 3, strides=2, padding="same")(y))
    y = L.LSTM(3)(L.MultiHeadAttention(2, 3)(y, y))
    axes = {
        i.path: i.input_axis for i in masking.describe(keras.Model(x, y)) if "bias" not in i.path
    }
    assert axes == {
        "layers/depthwise_conv2d/kernel": None,
        "layers/separable_conv2d/depthwise_kernel": None,
        "layers/separable_conv2d/pointwise_kernel": 2,
        "layers/conv2d_transpose/kernel": 3,
        "layers/multi_head_attention/query_dense/kernel": 0,
        "layers/multi_head_attention/key_dense/kernel": 0,
        "layers/multi_head_attention/value_dense/kernel": 0,
        "layers/multi_head_attention/output_dense/kernel": 1,
        "layers/lstm/cell/kernel": 0,
        "layers/lstm/cell/recurrent_kernel": 0,
    }


unpruned = cache(small)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"flops": 1.5, "pattern": "channels"}, "Expected flops, a finite number from 0 up to 1"),
        ({"flops": 0.5, "sparsity": 0.5, "pattern": "channels"}, "one of sparsity, flops and b"),
        ({"flops": 0.5}, "pattern='channels' with flops="),
        ({"bytes": 1000, "pattern": "2:4"}, "pattern='channels' with bytes="),
        ({"bytes": 0, "pattern": "channels"}, "Expected bytes, a whole number from 1"),
        ({"flops": 0.999, "pattern": "channels"}, r"at least [\d,]+ of [\d,]+ FLOPs"),
        ({"bytes": 10, "pattern": "channels"}, r"at least [\d,]+ bytes.*one channel"),
        ({"pattern": "chanels"}, "Did you mean 'channels'"),
        ({"pattern": "2:4", "include": "first"}, "its 3 inputs are not a multiple of 4"),
        (
            {"pattern": "channels", "include": "head"},
            "its channels can't be removed: output of the model",
        ),
        ({"pattern": "2:4", "sparsity": 0.6}, "N of every M"),
        ({"sparsity": {}}, "a sparsity by path pattern"),
        ({"sparsity": {"first": 1.5}}, "sparsity of 'first'"),
        ({"sparsity": {"thrid": 0.5}}, "sparsity: expected a group.*'thrid'"),
    ],
)
def test_wrong_targets_and_patterns(arguments, message):
    with pytest.raises(LotteryError, match=message):
        kl.prune(unpruned(), **arguments)


def test_directions_of_a_tagger_lose_the_same_units():
    x = keras.Input((5,), dtype="int32")
    y = L.Bidirectional(L.LSTM(8, return_sequences=True))(L.Embedding(11, 6)(x))
    model = keras.Model(x, L.Dense(3)(y))
    kl.prune(model, 0.5, pattern="channels")
    small = kl.compact(model)
    tokens = np.arange(10).reshape(2, 5)
    np.testing.assert_allclose(small(tokens), model(tokens), atol=1e-5)
    assert small.count_params() < model.count_params() / 2


def test_a_rule_that_is_registered_later_counts():
    class Passed(L.Layer):
        def call(self, inputs):
            return keras.ops.flip(inputs, axis=-1)

    def flipped(call):
        *others, channels = call.input.axes
        call.output.axes = (*others, channels[::-1])

    x = keras.Input((4, 3))
    model = keras.Model(x, L.Dense(2)(L.Flatten()(Passed()(L.Dense(6)(x)))))
    with pytest.raises(LotteryError):
        kl.prune(model, 0.5, pattern="channels")
    kl.register_compaction_rule(Passed, flipped)
    kl.prune(model, 0.5, pattern="channels")
    assert kl.get_masks(model)["layers/dense/kernel"].any(axis=0).sum() == 3


def test_weights_that_masks_cannot_reach_have_none_under_channels_either():
    x = keras.Input((4,))
    y = L.PReLU(alpha_initializer="ones")(L.Dense(8)(x))
    model = keras.Model(x, L.Dense(2)(y))
    alpha = next(i for i in masking.describe(model) if i.layer == "PReLU")
    assert not alpha.maskable and alpha.reason == "not a prunable weight of PReLU"
    kl.prune(model, 0.5, pattern="channels")
    assert kl.get_masks(model).keys() == {
        "layers/dense/kernel", "layers/dense/bias", "layers/dense_1/kernel"
    }  # fmt: skip
    assert kl.compact(model).count_params() == 4 * 4 + 4 + 4 + 4 * 2 + 2


def test_channels_that_a_layer_without_a_mask_reads_stay():
    class Mix(L.Layer):
        def build(self, shape):
            self.mix = self.add_weight(shape=(shape[-1], 5), name="mix")

        def call(self, inputs):
            return keras.ops.matmul(inputs, self.mix)

    def rule(call):
        units = call.units("units", 5)
        call.kernel("mix", (call.input.axes[-1], units), {0: call.input.along(-1)}, makes=(1,))
        call.output.axes = (*call.input.axes[:-1], units)

    kl.register_compaction_rule(Mix, rule)
    x = keras.Input((4,))
    y = Mix()(L.Dense(8, activation="sigmoid")(x))  # which is 0.5 if it is switched off
    model = keras.Model(x, L.Dense(2)(L.Dense(6, activation="sigmoid")(y)))
    summary = kl.prune(model, 0.5, pattern="channels")
    reasons = {row.path: row.reason for row in summary.rows}
    unknown = "unknown layer Mix: call register_prunable(Mix, kernel=(...))"
    assert reasons["layers/mix/mix"] == unknown
    why = f"its channels can't be removed: no mask reaches layers/mix/mix: {unknown}"
    assert reasons["layers/dense/kernel"] == reasons["layers/dense/bias"] == why
    predicted = cost_of(channel_inventory(read_model(model))).parameters(kl.get_masks(model))
    assert kl.compact(model).count_params() == predicted < model.count_params()
    masking.register_prunable(Mix, kernel=("mix",))
    kl.prune(model, 0.5, pattern="channels")
    masks = kl.get_masks(model)
    assert not masks["layers/dense/kernel"].all() and not masks["layers/mix/mix"].all()


def test_a_spectrally_normalized_convolution_keeps_its_channels():
    x = keras.Input((6, 6, 3))
    y = L.SpectralNormalization(L.Conv2D(6, 3))(L.Conv2D(8, 1)(L.Conv2D(5, 1)(x)))
    model = keras.Model(x, L.Dense(2)(L.Flatten()(L.Conv2D(4, 1)(y))))
    kl.prune(model, 0.5, pattern="channels")
    batch = np.random.default_rng(0).normal(size=(2, 6, 6, 3)).astype("float32")
    np.testing.assert_allclose(kl.compact(model)(batch), model(batch), atol=1e-5)


@pytest.mark.parametrize(
    "sparsity", [{"*/bias": 0.9}, {"recurrent": 0.9}, {"conv": 0.5, "*/head/*": 0.9}]
)
def test_a_sparsity_of_what_cannot_be_pruned_is_refused(sparsity):
    with pytest.raises(LotteryError, match="Expected keys that match prunable variables"):
        kl.prune(small(), sparsity, exclude="*/head/*" if "conv" in sparsity else ())


def test_frozen_values_and_slow_modes_are_refused():
    model = kl.mask(small(), parametrization="frozen")
    masks = {path: np.zeros_like(mask) for path, mask in kl.get_masks(model).items()}
    fills = {path: np.ones(mask.shape, "float32") for path, mask in masks.items()}
    masking.set_masks(model, masks, fills)
    with pytest.raises(LotteryError, match="parametrization='frozen' with other values"):
        kl.prune(model, 0.5, pattern="channels")
    with pytest.raises(LotteryError, match="'slow_modes', which scores single weights"):
        kl.prune(small(), 0.5, pattern="channels", criterion="slow_modes", data=(1, 1))
