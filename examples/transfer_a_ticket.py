"""Takes a ticket found on one task to another with a different output layer.

    KERAS_BACKEND=jax python examples/transfer_a_ticket.py

The ticket is found on the digits 0 to 6, and trained to tell whether a digit is above 6. `exclude`
skips what doesn't fit: the new output layer keeps its initial weights and isn't masked (Morcos et
al. 2019, 1906.02773).
"""

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_lottery as kl

SEEN = 7


def make_model(classes: int) -> keras.Model:
    """Returns a classifier whose layers are masked one by one, except the output layer."""
    model = keras.Sequential(
        [
            keras.Input((64,)),
            kl.Masked(keras.layers.Dense(300, "relu")),
            kl.Masked(keras.layers.Dense(100, "relu")),
            keras.layers.Dense(classes),
        ]
    )
    model.compile(
        keras.optimizers.Adam(1.2e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def main() -> None:
    """Prunes on the first task, and compares the sparse network with a dense one on the second."""
    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = images.astype("float32") / 16

    source = make_model(SEEN)
    seen = labels < SEEN
    search = kl.TicketSearch(rounds=5, rate=0.3, exclude=("*/dense_2/*",))
    history = search.fit(source, images[seen], labels[seen], epochs=15, batch_size=60)
    ticket = history.ticket(round=5)

    x, x_test, y, y_test = train_test_split(
        images, (labels >= SEEN).astype("int32"), test_size=0.5, random_state=0
    )
    for name in ("dense", "ticket"):
        model = make_model(2)
        if name == "ticket":
            ticket.apply(model, exclude=("*/dense_2/*",))
            print(kl.summary(model))
        model.fit(x, y, epochs=40, batch_size=60, verbose=0)
        _, accuracy = model.evaluate(x_test, y_test, verbose=0)
        print(f"{name}: test accuracy {accuracy:.3f}")


if __name__ == "__main__":
    main()
