"""Finds winning tickets of a model, and trains one of them again from its file.

    KERAS_BACKEND=jax python examples/find_a_ticket.py

A ticket is a sparse network together with its initial weights. The lottery ticket hypothesis says
that a dense network contains tickets that train as well as it does (Frankle & Carbin 2019,
1803.03635).
"""

import tempfile
from pathlib import Path

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_lottery as kl

ROUND = 5


def make_model() -> keras.Model:
    """Returns a small dense classifier, compiled."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(300, "relu"),
            keras.layers.Dense(100, "relu"),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1.2e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def main(folder: Path) -> None:
    """Searches six rounds, saves the ticket of one and trains it in a new model."""
    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        images.astype("float32") / 16, labels, test_size=0.2, random_state=0
    )
    x, x_valid, y, y_valid = train_test_split(x, y, test_size=0.2, random_state=0)
    settings = {"epochs": 12, "batch_size": 60, "validation_data": (x_valid, y_valid)}

    # `reinit` is the control: the same masks with re-initialized weights.
    search = kl.TicketSearch(rounds=6, rate=0.4, arms=("winning", "reinit"))
    history = search.fit(make_model(), x, y, **settings)
    print(history)

    ticket = history.ticket(round=ROUND)
    ticket.save(folder / "winning.ticket.safetensors")

    model = make_model()
    kl.Ticket.load(folder / "winning.ticket.safetensors").apply(model)
    print(kl.summary(model))
    model.fit(x, y, verbose=0, **settings)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy of the ticket of round {ROUND}, trained again: {accuracy:.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
