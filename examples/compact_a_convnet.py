"""Makes a convolutional network smaller: prune channels, fine-tune, compact.

    KERAS_BACKEND=jax python examples/compact_a_convnet.py

The data are the handwritten digits that scikit-learn ships, so nothing is downloaded.
"""

import keras
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_lottery as kl


def batch_norm(x: keras.KerasTensor) -> keras.KerasTensor:
    """Applies batch norm whose statistics settle within a few epochs."""
    return keras.layers.BatchNormalization(momentum=0.9)(x)


def network() -> keras.Model:
    """Returns a small residual network."""
    inputs = keras.Input((8, 8, 1), name="pixels")
    x = keras.layers.Conv2D(32, 3, padding="same", use_bias=False)(inputs)
    x = keras.layers.ReLU()(batch_norm(x))
    inner = keras.layers.Conv2D(64, 3, padding="same", use_bias=False)(x)
    inner = keras.layers.ReLU()(batch_norm(inner))
    inner = keras.layers.Conv2D(32, 3, padding="same", use_bias=False)(inner)
    x = keras.layers.Add()([x, batch_norm(inner)])
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    return keras.Model(inputs, keras.layers.Dense(10)(x))


def main() -> None:
    """Trains, removes half of the FLOPs by channels, fine-tunes and compacts."""
    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        images.reshape(-1, 8, 8, 1).astype("float32") / 16, labels, test_size=0.2, random_state=0
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = network()
    model.compile(keras.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    model.fit(x, y, batch_size=64, epochs=10, verbose=0)
    print(f"test accuracy of the dense network: {model.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
    print(kl.sensitivity(model, (x, y), pattern="channels"))

    kl.prune(model, flops=0.5, pattern="channels")
    model.fit(x, y, batch_size=64, epochs=5, verbose=0)
    small = kl.compact(model)  # a plain Keras model with equal outputs

    small.compile(loss=loss, metrics=["accuracy"])
    print(kl.compaction_report(small))
    print(f"test accuracy of the small one: {small.evaluate(x_test, y_test, verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main()
