"""A network for images or rows: dense layers with residual connections.

keras-lottery run --import=own_model.py --config=quickstart --config.name=residual \
  --config.model.name=residual_mlp --config.model.hidden=100,100,100
"""

import keras
from keras import layers

from keras_lottery.tasks.vision.config import VisionModel
from keras_lottery.tasks.vision.models import ImageInput, models
from keras_lottery.tasks.vision.models.parts import logits, raw_input


@models.register("residual_mlp")
def residual_mlp(images: ImageInput, model: VisionModel) -> keras.Model:
    """Returns x ← x + relu(W x) for each of `model.hidden`, all of the first one's width."""
    width = model.hidden[0]
    inputs, x = raw_input(images)  # applies data.scaling
    x = layers.Dense(width)(layers.Flatten()(x))
    for _ in model.hidden:
        x = layers.Add()([x, layers.Dense(width, activation="relu")(x)])
    return keras.Model(inputs, logits(x, images.classes))
