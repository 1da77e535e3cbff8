"""Prunes a Keras model while it trains with plain `fit`, and exports it.

    KERAS_BACKEND=jax python examples/prune_a_keras_model.py [folder to export to]

The data are the handwritten digits that scikit-learn ships, so nothing is downloaded.
"""

import sys
import tempfile
from pathlib import Path

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_lottery as kl

EPOCHS, BATCH_SIZE = 30, 64


def main(out: Path) -> None:
    """Prunes 90 % of the weights during training, and exports a plain SavedModel."""
    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        images.astype("float32") / 16, labels, test_size=0.2, random_state=0
    )

    model = keras.Sequential(
        [
            keras.Input((64,), name="pixels"),
            keras.layers.Dense(300, "relu"),
            keras.layers.Dense(100, "relu"),
            keras.layers.Dense(10),
        ]
    )
    model = kl.mask(model)  # still a keras.Model: compile, fit, save and load as usual
    model.compile(
        keras.optimizers.Adam(2e-3),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    steps = EPOCHS * -(-len(x) // BATCH_SIZE)
    pruning = kl.callbacks.GradualPruning(final_sparsity=0.9, end_step=steps // 2, frequency=20)
    model.fit(x, y, batch_size=BATCH_SIZE, epochs=EPOCHS, callbacks=[pruning], verbose=0)

    print(kl.summary(model))
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"test accuracy with 10 % of the weights: {accuracy:.3f}")

    plain = kl.strip(model)  # a Keras model without a trace of this package
    print(f"weights of the plain model: {plain.count_params():,}")
    print(kl.export(model, out, format="saved_model"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            main(Path(folder) / "digits")
