"""The data sets by name; loaders are imported lazily."""

from collections.abc import Callable

from keras_lottery.registry import Registry
from keras_lottery.tasks.vision.config import PREPARED, VisionData
from keras_lottery.tasks.vision.images import Source

Loader = Callable[[VisionData], Source]

datasets: Registry[Loader] = Registry("data set")

_HERE = __name__

datasets.register_lazily("digits", f"{_HERE}.digits:digits")
datasets.register_lazily("folder", f"{_HERE}.folder:folder")
datasets.register_lazily("arrays", f"{_HERE}.arrays:arrays")
datasets.register_lazily("idx", f"{_HERE}.idx:idx")
for _name in PREPARED:
    datasets.register_lazily(_name, f"{_HERE}.tfds:{_name}")
