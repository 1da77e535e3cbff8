"""Child process: loads a saved policy with TensorFlow alone, lets it act, lists its variables."""

import dataclasses
from pathlib import Path

import numpy as np

from keras_lottery.export.child import Request, load_arrays, save_arrays
from keras_lottery.export.report import StoredVariable

_INFO = "info/"
# Where the saver keeps the variables of the policy's network, in their order.
_KEY = "_all_assets/_network/variables/{}/.ATTRIBUTES/VARIABLE_VALUE"


def work(request: Request) -> Request:
    """Runs `artifact` on `inputs`, writes `outputs`, and answers with the variables.

    Raises:
        ValueError: an action is not the best by the policy's own values.
    """
    import tensorflow as tf

    module = tf.saved_model.load(request["artifact"])
    (observation,) = load_arrays(Path(request["inputs"])).values()
    count = len(observation)
    act = module.signatures["action"]
    _, wanted = act.structured_input_signature
    given = {
        "step_type": np.ones(count),
        "reward": np.zeros(count),
        "discount": np.ones(count),
        "observation": observation,
    }
    tensors = {
        name: tf.constant(next(v for k, v in given.items() if name.endswith(k)), spec.dtype)
        for name, spec in wanted.items()
    }
    answer = {name: value.numpy() for name, value in act(**tensors).items()}
    outputs = {k.removeprefix(_INFO): v for k, v in answer.items() if k.startswith(_INFO)}
    if not np.array_equal(answer["action"], outputs[min(outputs)].argmax(axis=-1)):
        raise ValueError("an action is not the one of the largest value")
    save_arrays(Path(request["outputs"]), outputs)
    checkpoint = tf.train.load_checkpoint(f"{request['artifact']}/variables/variables")
    stored = [
        StoredVariable.of(path, checkpoint.get_tensor(_KEY.format(index)))
        for index, path in enumerate(request["paths"])
    ]
    stored.sort(key=lambda variable: variable.path)
    return {"variables": [dataclasses.asdict(variable) for variable in stored]}
