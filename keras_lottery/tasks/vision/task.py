"""Image classification as the engine sees it."""

from functools import cached_property

import keras

from keras_lottery.tasks.supervised import NetworkTask
from keras_lottery.tasks.vision.config import VisionConfig
from keras_lottery.tasks.vision.data import load
from keras_lottery.tasks.vision.images import Images
from keras_lottery.tasks.vision.models import ImageInput, models
from keras_lottery.tasks.vision.preprocessing import flip_crop, scaling_of
from keras_lottery.training import ArrayData


class VisionTask(NetworkTask):
    """A network that classifies images; data and model are created once, on first use.

    Args:
        config: of an experiment whose task is `vision`.
        images: a data set in memory; None: the one that `config.data` names.
    """

    config: VisionConfig
    name = "vision"
    metric = "accuracy"
    higher_is_better = True

    def __init__(self, config: VisionConfig, images: Images | None = None) -> None:
        super().__init__(config)
        self._given = images

    @cached_property
    def images(self) -> Images:
        """The data set."""
        return self._given or load(self.config.data)

    def arrays(self) -> ArrayData:
        """Returns the images as training arrays, with the config's augmentation."""
        images = self.images
        return ArrayData(
            train=(images.train.x, images.train.y),
            validation=(images.validation.x, images.validation.y) if images.validation else None,
            test=(images.test.x, images.test.y),
            augment=flip_crop if self.config.data.augment == "flip_crop" else None,
        )

    def build(self) -> keras.Model:
        return self._build(scaled=True)

    def build_unscaled(self) -> keras.Model:
        return self._build(scaled=False)

    def loss(self) -> keras.losses.Loss:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def metrics(self) -> list[keras.metrics.Metric]:
        return [keras.metrics.SparseCategoricalAccuracy(name=self.metric)]

    def _build(self, scaled: bool) -> keras.Model:
        images, config = self.images, self.config
        return models[config.model.name](
            ImageInput(
                shape=images.shape,
                classes=images.classes,
                dtype=str(images.train.x.dtype),
                scaling=scaling_of(images, config.data.scaling) if scaled else None,
            ),
            config.model,
        )
