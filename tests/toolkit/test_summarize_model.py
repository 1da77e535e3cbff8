"""The summary lists every weight with its reason, and flags likely mistakes."""

import io

import keras
import numpy as np
import pytest
from rich.console import Console

import keras_lottery as kl
from keras_lottery import masking
from keras_lottery.toolkit.summarize_model import summarize
from keras_lottery.toolkit.summary_table import bar
from keras_lottery.types import VariableInfo

L = keras.layers


class Own(L.Layer):
    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], 40))

    def call(self, x):
        return keras.ops.matmul(x, self.w)


def sequence(*layers):
    return keras.Sequential([keras.Input((20,)), *layers])


def test_every_weight_is_listed_with_its_reason():
    model = kl.mask(sequence(L.Dense(4), L.BatchNormalization(), L.Dense(3)), output=False)
    table = kl.summary(model)
    assert {row.path for row in table.rows} == set(masking.variables(model))
    reasons = {row.path.split("/", 1)[1]: row.reason for row in table.rows}
    assert reasons["dense/kernel"] == ""
    assert reasons["dense_1/kernel"] == "not masked"
    assert reasons["batch_normalization/moving_mean"] == "not trainable"
    assert reasons["batch_normalization/gamma"] == "norms=False"
    assert table.total == 84 + 8 + 15  # moving statistics are no weights
    assert table.warnings == ()
    assert "not masked yet" not in str(table)
    assert str(kl.summary(sequence(L.Dense(4)))).endswith("call kl.mask (84 weights)")


def test_a_bar_shows_the_density_in_text_terminal_and_notebook():
    model = kl.mask(sequence(L.Dense(4), L.Dense(3)), output=False)
    kept = np.zeros((20, 4), bool)
    kept[:10] = True
    kl.set_masks(model, {"layers/dense/kernel": kept})
    table = kl.summary(model)
    line = next(line for line in str(table).splitlines() if "dense/kernel" in line)
    assert line.split()[-2:] == ["50.00%", "█" * 10]  # half of 20 characters
    console = Console(width=60, file=io.StringIO())
    console.print(table)
    assert "█" in console.file.getvalue() and "kept 40 of 80" in console.file.getvalue()
    page = table._repr_html_()
    assert "width:50.0%" in page and page.count("<tr") == 1 + len(table.rows)
    assert "a&lt;b" in summarize([VariableInfo("a<b", (2,))], {})._repr_html_()


@pytest.mark.parametrize("density, drawn", [(0, ""), (1e-6, "▏"), (0.5, "█" * 10), (1, "█" * 20)])
def test_a_bar_is_empty_only_without_weights(density, drawn):
    assert bar(density) == drawn


def test_it_warns_where_most_of_a_model_cannot_be_pruned():
    (text,) = kl.summary(kl.mask(sequence(Own(), L.Dense(4)))).warnings
    assert "83%" in text and "register_prunable(Own" in text
    assert text in str(kl.summary(sequence(Own(), L.Dense(4))))


def test_it_warns_of_what_is_cut_to_almost_nothing():
    model = kl.mask(sequence(L.Dense(20), L.Dense(20)))
    one, half = np.zeros((20, 20), bool), np.eye(20, dtype=bool)
    one[3, 3] = True
    kl.set_masks(model, {"layers/dense/kernel": one, "layers/dense_1/kernel": half})
    (text,) = kl.summary(model).warnings
    assert "layers/dense/kernel (1 of 400)" in text and "dense_1" not in text


def test_one_warning_names_the_convolutions_that_global_magnitude_empties():
    """The wider a layer, the smaller its first weights: few of a ResNet's stay before training."""
    x = inputs = keras.Input((4, 4, 64))
    for name in "ab":
        hidden = L.Conv2D(64, 3, padding="same", activation="relu", name=f"{name}_wide")(x)
        hidden = L.Conv2D(128, 1, name=f"{name}_out")(hidden)
        x = L.Add()([L.Conv2D(128, 1, name=f"{name}_shortcut")(x), hidden])
    model = keras.Model(inputs, L.GlobalAveragePooling2D()(x))
    (text,) = kl.prune(model, 0.9).warnings
    empty = [row for row in kl.summary(model).rows if f"{row.path} (" in text]
    assert [row.shape[:2] for row in empty] == [(3, 3)] * 2
    assert all(row.kept < 20 for row in empty)


@pytest.mark.parametrize("severed", [True, False])
def test_it_warns_where_the_output_ignores_the_input(severed):
    model = kl.mask(sequence(L.Dense(20, "relu"), L.Dropout(0.5), L.Dense(3)))
    first, second = np.zeros((20, 20), bool), np.zeros((20, 3), bool)
    first[:, :10] = True
    second[10:] = True
    second[0] = not severed  # nothing else reaches the output from the units with inputs
    kl.set_masks(model, {"layers/dense/kernel": first, "layers/dense_1/kernel": second})
    assert ["same for 8 random inputs" in w for w in kl.summary(model).warnings] == [True] * severed


@pytest.mark.backend
def test_it_leaves_the_states_of_recurrent_layers_alone():
    inputs = keras.Input((5, 3), batch_size=8)
    model = kl.mask(keras.Model(inputs, keras.layers.LSTM(4, stateful=True)(inputs)))
    kl.prune(model, 0.5)
    model(np.ones((8, 5, 3), "float32"))
    states = model.layers[-1].states
    before = [np.array(keras.ops.convert_to_numpy(v.value)) for v in states]
    kl.summary(model)
    after = [keras.ops.convert_to_numpy(v.value) for v in states]
    assert any(state.any() for state in before)
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
