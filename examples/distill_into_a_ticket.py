"""Trains a sparse student by distillation from a dense teacher, with Keras' own Distiller.

    KERAS_BACKEND=jax python examples/distill_into_a_ticket.py

The data are the handwritten digits that scikit-learn ships, so nothing is downloaded.
"""

import keras
from keras.distillation import Distiller, LogitsDistillation
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import keras_lottery as kl


def network(units: int) -> keras.Model:
    """Returns a network of dense layers."""
    hidden = [keras.layers.Dense(units, "relu"), keras.layers.Dense(units // 2, "relu")]
    return keras.Sequential([keras.Input((64,)), *hidden, keras.layers.Dense(10)])


def main() -> None:
    """Trains a teacher, then a student of which 90 % of the weights are pruned on the way."""
    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(
        images.astype("float32") / 16, labels, test_size=0.2, random_state=0
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    teacher = network(400)
    teacher.compile("adam", loss, metrics=["accuracy"])
    teacher.fit(x, y, batch_size=64, epochs=20, verbose=0)

    student = kl.mask(network(200))  # the optimizer belongs to the Distiller; the masks hold anyway
    distiller = Distiller(teacher, student, LogitsDistillation(temperature=3.0))
    distiller.compile(keras.optimizers.Adam(2e-3), loss, metrics=["accuracy"])
    distiller.fit(x, y, batch_size=64, epochs=5, verbose=0)
    kl.prune(student, sparsity=0.9)
    distiller.fit(x, y, batch_size=64, epochs=25, verbose=0)

    print(kl.summary(student))
    print(f"test accuracy of the teacher: {teacher.evaluate(x_test, y_test, verbose=0)[1]:.3f}")
    student.compile(loss=loss, metrics=["accuracy"])
    print(f"test accuracy of the student: {student.evaluate(x_test, y_test, verbose=0)[1]:.3f}")


if __name__ == "__main__":
    main()
