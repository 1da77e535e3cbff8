"""A small GPT-2."""

import keras
import numpy as np

VOCABULARY, LENGTH = 20, 12


def made_gpt2():
    import keras_hub

    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.GPT2Backbone(
        vocabulary_size=VOCABULARY, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=24,
        max_sequence_length=LENGTH, dropout=0.1,
    )  # fmt: skip
    model = keras_hub.models.GPT2CausalLM(backbone)
    rng = np.random.default_rng(0)
    for variable in model.trainable_variables:  # fresh norms and biases would be all alike
        variable.assign(variable + rng.normal(0, 0.3, variable.shape))
    return model
