"""What calibrated pruning refuses, with the remedy; and how it reads a dataset."""

import itertools

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery.toolkit.calibrated.dataset import windows
from tests.toolkit.calibrated.made import LENGTH, made_gpt2

keras_hub = pytest.importorskip("keras_hub")


@pytest.fixture(scope="module")
def model():
    return made_gpt2()


CONFIGS = {
    "sparsity of 1": ({"sparsity": 1.0}, "from 0 to less than 1. Received: 1"),
    "sparsity above 1": ({"sparsity": 50}, "type int. Write 0.5 for 50 %."),
    "sparsity below 0": ({"sparsity": -0.1}, "sparsity"),
    "sparsity as text": ({"sparsity": "0.5"}, "sparsity"),
    "another pattern": ({"pattern": "channels"}, "use kl.prune"),
    "an unknown pattern": ({"pattern": "2:"}, "pattern"),
    "N above M": ({"pattern": "4:2"}, "N:M"),
    "no pattern": ({"pattern": None}, "pattern, a string"),
    "a sparsity other than the pattern's": ({"pattern": "2:4", "sparsity": 0.6}, "sparsity=0.5"),
    "no samples": ({"num_samples": 0}, "num_samples"),
    "half a token": ({"sequence_length": 1.5}, "sequence_length"),
    "no batch": ({"batch_size": 0}, "batch_size"),
    "a path": ({"dataset": "text.txt"}, "Received: str"),
    "nothing": ({"dataset": None}, "Received: NoneType"),
    "columns": ({"dataset": {"text": ["a"]}}, "Received: dict"),
    "a tokenizer that isn't one": ({"tokenizer": "bpe"}, "tokenizer, a function"),
    "an unknown argument": ({"sparsty": 0.5}, "Did you mean 'sparsity'"),
}


@pytest.mark.parametrize("method", [kl.WandaConfig, kl.SparseGPTConfig])
@pytest.mark.parametrize("case", CONFIGS)
def test_a_bad_config(method, case):
    settings, message = CONFIGS[case]
    with pytest.raises(kl.LotteryError, match=r"Expected .*Received") as error:
        method(**{"dataset": [[1] * LENGTH]} | settings)
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("settings", [{"hessian_damping": -1}, {"block_size": 0}])
def test_a_bad_config_of_sparsegpt(settings):
    with pytest.raises(kl.LotteryError, match=next(iter(settings))):
        kl.SparseGPTConfig([[1] * LENGTH], **settings)
    with pytest.raises(kl.LotteryError, match="Expected the name of a known argument"):
        kl.WandaConfig([[1] * LENGTH], **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scope": "global"}, "Expected the name of a known scope"),
        ({"scope": "layer", "pattern": "2:4"}, "scope='output' with pattern='2:4'"),
        ({"scope": None}, "Expected scope"),
    ],
)
def test_a_bad_scope_of_wanda(settings, message):
    with pytest.raises(kl.LotteryError, match=message):
        kl.WandaConfig([[1] * LENGTH], **settings)


DATASETS = {
    "empty": ([], "Received: an empty one"),
    "of empty texts": (["", ""], "Received: 0. Lower num_samples"),
    "too little": ([[1] * LENGTH] * 3, "4 sequences of 12 tokens. Received: 3."),
    "short sequences": ([[1] * LENGTH, [1] * 5], "sequence_length=12 tokens. Received: one of 5"),
    "floats": (np.ones((4, LENGTH)), "type float"),
    "objects": ([object()] * 4, "an entry of class object"),
    "text and tokens": (["a", [1] * LENGTH], "an entry of class str"),
    "lists of lists": ([[[1], [2, 3]]] * 4, "an entry of class list"),
    "an empty array": (np.zeros(0, int), "Received: an empty one"),
    "a number": (np.ones((), int), "an entry of class ndarray"),
    "two axes a sequence": (np.ones((4, 1, LENGTH), int), "of shape (1, 12)"),
    "unknown tokens": (np.full((4, LENGTH), 20), "from 0 to 19. Received: 20"),
    "negative tokens": (np.full((4, LENGTH), -1), "from 0 to 19. Received: -1"),
}


@pytest.mark.parametrize("case", DATASETS)
def test_a_bad_dataset(model, case):
    dataset, message = DATASETS[case]
    config = kl.WandaConfig(
        dataset, lambda text: [1] * len(text), num_samples=4, sequence_length=LENGTH
    )
    with pytest.raises(kl.LotteryError, match=r"Expected .*Received") as error:
        kl.prune_calibrated(model, config)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert not kl.get_masks(model)


def config(**settings):
    dataset = [[1, 2] * LENGTH]
    return kl.WandaConfig(
        **{"dataset": dataset, "num_samples": 1, "sequence_length": LENGTH} | settings
    )


OTHERS = {
    "text without a tokenizer": ({"config": config(dataset=["a text"])}, "tokenizer=None"),
    "sequences too long": ({"config": config(sequence_length=LENGTH + 1)}, "at most 12"),
    "M that doesn't divide": ({"config": config(pattern="2:5")}, "that 5 divides"),
    "no config": ({"config": {"sparsity": 0.5}}, "Received: dict"),
    "filters without a match": (
        {"filters": "qery"},
        "There are attention_output, value, key, query, feed",
    ),
    "filters that never hold": ({"filters": lambda layer: False}, "There are attention_output"),
    "filters that don't parse": ({"filters": "("}, "a regular expression"),
    "filters of numbers": ({"filters": [3]}, "a regular expression"),
    "a number as filters": ({"filters": 3}, "a regular expression"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_other_bad_arguments(model, case):
    arguments, message = OTHERS[case]
    with pytest.raises(kl.LotteryError, match=r"Expected .*Received") as error:
        kl.prune_calibrated(model, **{"config": config()} | arguments)
    assert message in str(error.value) and "\n" not in str(error.value)
    assert not kl.get_masks(model)


def bert():
    backbone = keras_hub.models.BertBackbone(20, 1, 2, 8, 8, max_sequence_length=LENGTH)
    return keras_hub.models.BertTextClassifier(backbone, num_classes=2)


def perceptron():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (perceptron, "of class Sequential, in which there are none"),
        (bert, "Received: padding_mask, segment_ids, token_ids"),
        (lambda: keras.Sequential([keras.layers.Dense(3)]), "a model that is built"),
        (lambda: "model.keras", "a Keras model"),
    ],
)
def test_models_that_are_no_causal_language_models(make, message):
    with pytest.raises(kl.LotteryError, match=r"Expected .*Received") as error:
        kl.prune_calibrated(make(), config())
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("parametrization", ["frozen", "edge_popup", "zero"])
def test_masks_that_it_cannot_prune(parametrization):
    model = kl.mask(made_gpt2(), include="*/embeddings", parametrization=parametrization)
    if parametrization == "frozen":
        fills = {path: np.ones(mask.shape) for path, mask in kl.get_masks(model).items()}
        kl.set_masks(model, {}, fills)
    with pytest.raises(kl.LotteryError, match=r"Expected masks.*Received"):
        kl.prune_calibrated(model, config())


def test_text_is_joined_and_sequences_are_spread_evenly():
    settings = {"num_samples": 2, "sequence_length": 3}
    text = ["abcd", "efgh", "ijklm"]  # 4 windows of 3: 0, 3, 6, 9

    def by_letter(text):
        return [ord(letter) - 97 for letter in text]

    by_text = windows(kl.WandaConfig(text, **settings), by_letter)
    assert by_text.tolist() == [[0, 1, 2], [6, 7, 8]]
    by_sequence = windows(kl.WandaConfig([range(4), range(4, 11)], **settings), None)
    assert by_sequence.tolist() == [[0, 1, 2], [4, 5, 6]]  # of 0, 4, 7
    endless = windows(kl.WandaConfig(itertools.repeat("abcd"), **settings), by_letter)
    assert endless.tolist() == [[0, 1, 2], [3, 0, 1]]
    endless = windows(kl.WandaConfig((range(4) for _ in itertools.count()), **settings), None)
    assert endless.tolist() == [[0, 1, 2]] * 2
    assert windows(kl.WandaConfig(np.arange(13), **settings), None).tolist() == by_text.tolist()
