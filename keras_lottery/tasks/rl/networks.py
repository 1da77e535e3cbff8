"""The papers' networks, as plain Keras 3 models."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_lottery.tasks.rl.config import RLModel
from keras_lottery.tasks.rl.environments.spaces import GameSpec

layers = keras.layers


def build(spec: GameSpec, config: RLModel) -> keras.Model:
    """Returns a new network from a batch of observations.

    Its outputs are the action values, `(batch, actions)`; under PPO action logits and a value,
    `(batch, actions)` and `(batch,)`. They are float32 under every policy.
    """
    inputs = keras.Input(spec.shape, dtype=spec.dtype, name="observation")
    x = _TRUNKS[config.name](inputs, config.hidden)
    if config.algorithm == "ppo":
        logits = layers.Dense(spec.actions, dtype="float32", name="policy")(x)
        value = layers.Dense(1, dtype="float32", name="value")(x)
        flat = layers.Reshape((), dtype="float32", name="flat_value")(value)
        return keras.Model(inputs, [logits, flat])
    if config.dueling:
        return keras.Model(inputs, _dueling(x, spec.actions))
    return keras.Model(inputs, layers.Dense(spec.actions, dtype="float32", name="q_values")(x))


def _dueling(x: Any, actions: int) -> Any:
    """Returns V + A − mean A (Wang et al. 2016, 1511.06581, equation 9)."""
    value = layers.Dense(1, dtype="float32", name="value")(x)
    advantages = layers.Dense(actions, dtype="float32", name="advantages")(x)
    mean = keras.ops.mean(advantages, axis=-1, keepdims=True)
    centered = layers.Subtract(dtype="float32")([advantages, mean])
    return layers.Add(dtype="float32", name="q_values")([value, centered])


def _mlp(inputs: Any, hidden: Sequence[int]) -> Any:
    """Three layers in Yu et al. 2019, of 128 on CartPole and 256 on Acrobot and LunarLander."""
    return _dense(_as_vector(inputs), hidden or (128, 128, 128))


def _minatar_cnn(inputs: Any, hidden: Sequence[int]) -> Any:
    """One layer of 16 filters and a dense one of 128, as in MinAtar's own DQN."""
    x = layers.Rescaling(1.0)(inputs)
    x = layers.Conv2D(16, 3, activation="relu")(x)
    return _dense(layers.Flatten()(x), hidden or (128,))


def _nature_cnn(inputs: Any, hidden: Sequence[int]) -> Any:
    """The network of Mnih et al. 2015."""
    x = layers.Rescaling(1 / 255)(inputs)
    for filters, size, stride in ((32, 8, 4), (64, 4, 2), (64, 3, 1)):
        x = layers.Conv2D(filters, size, stride, activation="relu")(x)
    return _dense(layers.Flatten()(x), hidden or (512,))


def _yu_cnn(inputs: Any, hidden: Sequence[int]) -> Any:
    """The network of Yu et al. 2019, table A1: four convolutions, each with max-pooling of 2.

    The paper's first dense layer has 1920 inputs, as for frames of about 105 × 80; frames of
    84 × 84 give 1600.
    """
    x = layers.Rescaling(1 / 255)(inputs)
    for size in (5, 5, 3, 3):
        x = layers.Conv2D(64, size, padding="same", activation="relu")(x)
        x = layers.MaxPooling2D(2)(x)
    return _dense(layers.Flatten()(x), hidden or (512, 512))


def _dense(x: Any, hidden: Sequence[int]) -> Any:
    for width in hidden:
        x = layers.Dense(width, activation="relu")(x)
    return x


def _as_vector(x: Any) -> Any:
    return layers.Flatten()(x) if len(x.shape) > 2 else x


_TRUNKS: dict[str, Callable[[Any, Sequence[int]], Any]] = {
    "mlp": _mlp,
    "minatar_cnn": _minatar_cnn,
    "nature_cnn": _nature_cnn,
    "yu_cnn": _yu_cnn,
}
