"""Which weights are chosen: patterns, names, options at every entry point, frozen layers, zeros."""

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import LotteryError, masking, toolkit
from keras_lottery.masking import MaskOptions, describe

L = keras.layers


def named(hidden="hidden"):
    layers = [L.Dense(5, name=hidden), L.Dense(4, name="head_1"), L.Dense(3, name="output")]
    return keras.Sequential([keras.Input((6,)), *layers])


def chosen(model, **options):
    """Returns the places in the model of the kernels that are chosen."""
    infos = [i for i in describe(model, MaskOptions(**options)) if i.kind == "kernel"]
    return [place for place, info in enumerate(infos) if info.prunable]


@pytest.mark.parametrize(
    "pattern", ["*/output/*", "output/*", "output", "layers/output/kernel", "layers/dense_2/*"]
)
def test_patterns_match_given_names_and_structural_paths(pattern):
    assert chosen(named(), exclude=(pattern,)) == [0, 1]
    assert chosen(named(), include=(pattern,)) == [2]


def test_a_name_with_brackets_selects_itself():
    layers = [keras.layers.Dense(4, name="block[0]"), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    kl.mask(model, exclude="block[0]")
    assert list(kl.get_masks(model)) == ["layers/dense_1/kernel"]


def test_names_of_outer_and_inner_layers_match_together_and_alone():
    inner = keras.Sequential([keras.Input((6,)), L.Dense(6, name="mix"), L.Dense(6)], name="body")
    model = keras.Sequential([keras.Input((6,)), inner, L.Dense(2)])
    for pattern, expected in {
        "body/*": [0, 1],
        "body": [0, 1],
        "*/mix/*": [0],
        "body/mix/kernel": [0],
        "body/layers/dense_1/kernel": [1],
    }.items():
        assert chosen(model, include=(pattern,)) == expected, pattern


def test_automatic_names_do_not_match():
    keras.backend.clear_session()
    other = keras.Sequential([keras.Input((6,)), L.Dense(5)])
    model = keras.Sequential([keras.Input((6,)), L.Dense(5), L.Dense(4)])
    assert (other.layers[0].name, [x.name for x in model.layers]) == (
        "dense",
        ["dense_1", "dense_2"],
    )
    assert chosen(model, exclude=("*/dense_1/*",)) == [0]  # the structural path of the second
    with pytest.raises(LotteryError, match="matches nothing"):
        chosen(model, exclude=("*/dense_2/*",))


@pytest.mark.parametrize(
    "choose",
    [
        lambda m, pattern: kl.mask(m, exclude=pattern),
        lambda m, pattern: kl.mask(m, include=[pattern]),
        lambda m, pattern: kl.mask(m, output_layer=pattern),
        lambda m, pattern: kl.prune(m, 0.5, exclude=pattern),
        lambda m, pattern: kl.prune(kl.mask(m), 0.5, include=pattern),
        lambda m, pattern: ticket_of(m).apply(m, exclude=pattern),
        lambda m, pattern: toolkit.prune_selected(m, 0.5, MaskOptions(exclude=(pattern,))),
    ],
)
def test_a_pattern_that_matches_nothing_names_near_ones(choose):
    with pytest.raises(LotteryError, match=r"'outptu'.*Did you mean .*output"):
        choose(named(), "outptu")


def ticket_of(model):
    weights = masking.get_weights(model)
    masks = {p: w > 0 for p, w in weights.items() if p.endswith("kernel")}
    return kl.Ticket(masks, weights)


def test_a_ticket_is_applied_by_given_names_and_keeps_structural_paths():
    source, model = named(), named("other")
    before = masking.get_weights(model)
    ticket_of(source).apply(model, exclude="output")
    assert sorted(masking.get_masks(model)) == ["layers/dense/kernel", "layers/dense_1/kernel"]
    after = masking.get_weights(model)
    same = {path for path, value in after.items() if np.array_equal(value, before[path])}
    assert "layers/dense_2/kernel" in same and "layers/dense/kernel" not in same


def test_the_ticket_of_the_dense_network_masks_nothing():
    model = named()
    kl.Ticket({}, masking.get_weights(named())).apply(model)
    assert not masking.is_masked(model)


def test_options_are_the_same_for_prune_as_for_mask():
    for options, kept in (
        ({"exclude": "output"}, 50),
        ({"output": False}, 50),
        ({"biases": True}, 74),
        ({"output_layer": "hidden", "output": False}, 32),
    ):
        assert kl.prune(named(), 0.5, dry_run=True, **options).prunable == kept
        assert kl.prune(named(), 0.5, **options).prunable == kept


def test_on_a_masked_model_options_narrow():
    model = kl.mask(named(), biases=True)
    report = kl.prune(model, 0.5, exclude="output")
    assert (report.prunable, report.kept) == (59, 30)
    masks = masking.get_masks(model)
    assert masks["layers/dense_2/kernel"].all() and not masks["layers/dense/kernel"].all()
    assert kl.prune(model, 0.9).prunable == 74


def test_frozen_layers_are_pruned_only_if_asked_for():
    model = named()
    model.layers[0].trainable = False
    frozen = next(info for info in describe(model) if info.kind == "kernel")
    assert "trainable=False" in frozen.reason
    assert chosen(model) == [1, 2]
    assert chosen(model, include=("*/dense/*", "output")) == [0, 2]
    assert kl.prune(kl.mask(named()), 0.5).prunable == 62


def sparse():
    model = named()
    kl.prune(model, 0.9)
    return kl.strip(model)


def test_zeros_are_taken_for_the_mask():
    model = kl.mask(sparse(), from_zeros=True)
    assert kl.summary(model).kept == 7
    with pytest.raises(LotteryError, match="have already"):
        kl.prune(model, 0.5)


def test_a_variable_that_is_zero_throughout_is_not_taken_for_pruned():
    zeros = L.Dense(4, kernel_initializer="zeros")
    model = keras.Sequential([keras.Input((6,)), L.Dense(5), zeros])
    assert kl.summary(kl.mask(model, from_zeros=True)).sparsity == 0


def test_most_zeros_without_from_zeros_are_hinted_at():
    with pytest.warns(UserWarning, match="from_zeros=True"):
        kl.mask(sparse())
    with pytest.warns(UserWarning, match="from_zeros=True"):
        kl.prune(sparse(), 0.5)
    assert kl.prune(sparse(), 0.95).kept == 4  # pruned weights are the smallest: no hint
    with pytest.raises(LotteryError, match="from_zeros"):
        kl.mask(named(), from_zeros=True, parametrization="bernoulli")


@pytest.mark.parametrize("kind", ["int64", "float32", "bool"])
def test_masks_of_zeros_and_ones_are_taken_and_others_refused(kind):
    model = kl.mask(named(), include="output")
    mask = np.eye(4, 3).astype(kind)
    kl.set_masks(model, {"layers/dense_2/kernel": mask})
    assert np.array_equal(kl.get_masks(model)["layers/dense_2/kernel"], np.eye(4, 3, dtype=bool))
    with pytest.raises(LotteryError, match="True or 1"):
        kl.set_masks(model, {"layers/dense_2/kernel": np.eye(4, 3) * 0.3})


def test_layers_under_lora_are_refused_until_strip_has_merged_them():
    model = named()
    layer = model.layers[0]
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.ones((2, 5)))
    with pytest.raises(LotteryError, match=r"LoRA.*'layers/dense'"):
        kl.mask(model)
    assert len(masking.get_masks(kl.mask(model, include="output"))) == 1
    merged, x = kl.strip(model), np.ones((2, 6), "float32")
    assert np.allclose(model(x), merged(x), atol=1e-6)
    assert kl.prune(merged, 0.5).prunable == 62
