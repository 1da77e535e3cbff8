"""The data sets by name; loaders are imported lazily."""

from collections.abc import Callable

from keras_lottery.registry import Registry
from keras_lottery.tasks.vision.config import PREPARED, VisionData
from keras_lottery.tasks.vision.images import Source

Loader = Callable[[VisionData], Source]

datasets: Registry[Loader] = Registry("data set")

_HERE = __name__

_OWN = {
    "digits": "scikit-learn's 8×8 digits; needs no download.",
    "folder": "Your images, in train/ and test/ with one folder per class.",
    "arrays": "Your .npz file with x_train, y_train, x_test and y_test.",
    "idx": "The four idx files of MNIST, in a folder.",
}
for _name, _says in _OWN.items():
    datasets.register_lazily(_name, f"{_HERE}.{_name}:{_name}", _says)
for _name in PREPARED:
    _says = "One half of CIFAR-10." if _name in ("cifar10a", "cifar10b") else "From TFDS."
    datasets.register_lazily(_name, f"{_HERE}.tfds:{_name}", _says)
