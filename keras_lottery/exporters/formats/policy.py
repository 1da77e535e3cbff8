"""A greedy policy as TF-Agents' `PolicySaver` writes it, for agents of the task `rl`."""

from pathlib import Path
from typing import Any

import numpy as np

from keras_lottery.errors import LotteryError
from keras_lottery.exporters.exporter import Arrays, Exporter, Loaded, Request, Subject
from keras_lottery.exporters.signature import Signature, named

_INFO = "info/"
# Checkpoint keys of the policy network's variables, in order.
_KEY = "_all_assets/_network/variables/{}/.ATTRIBUTES/VARIABLE_VALUE"


class Policy(Exporter):
    """Written with TF-Agents, which needs Keras 2, and loaded with only TensorFlow.

    The policy acts greedily; the network's outputs are in the step's `info`, which is compared with
    the model's outputs.
    """

    packages = (("tf_agents", "rl"),)
    separate = True
    quantizes = False
    compared = False
    environment = (("TF_USE_LEGACY_KERAS", "1"),)
    runtime = "tensorflow"

    def check(self, subject: Subject) -> None:
        inputs, first = subject.signature.inputs, next(iter(subject.outputs.values()))
        if len(inputs) != 1 or first.ndim != 2:
            raise LotteryError(
                "Expected a network from one observation to a value for each action. Received: one "
                f"with {len(inputs)} inputs, whose first output has the shape {first.shape}. Use "
                "the format saved_model."
            )

    def save(self, model: Any, signature: Signature, artifact: Path, quantize: str) -> None:
        from keras_lottery.tasks.rl import policies

        policies.save(model, lambda outputs: named(outputs, "output"), artifact)

    def reading(self, subject: Subject, artifact: Path) -> Request:
        from keras_lottery import masking

        return {"paths": list(masking.variables(subject.model))}

    def load(self, artifact: Path, request: Request) -> Loaded:
        import tensorflow as tf

        module = tf.saved_model.load(str(artifact))
        act = module.signatures["action"]
        checkpoint = tf.train.load_checkpoint(f"{artifact}/variables/variables")
        return Loaded(
            lambda inputs: _outputs(act, inputs),
            lambda: (
                (path, checkpoint.get_tensor(_KEY.format(index)))
                for index, path in enumerate(request["paths"])
            ),
        )


def _outputs(act: Any, inputs: Arrays) -> Arrays:
    """Returns the network's outputs for observations.

    Raises:
        ValueError: an action is not the one with the largest value.
    """
    import tensorflow as tf

    (observation,) = inputs.values()
    count = len(observation)
    _, wanted = act.structured_input_signature
    time_step = {
        "step_type": np.ones(count),
        "reward": np.zeros(count),
        "discount": np.ones(count),
        "observation": observation,
    }
    tensors = {
        name: tf.constant(next(v for k, v in time_step.items() if name.endswith(k)), spec.dtype)
        for name, spec in wanted.items()
    }
    answer = {name: value.numpy() for name, value in act(**tensors).items()}
    outputs = {k.removeprefix(_INFO): v for k, v in answer.items() if k.startswith(_INFO)}
    if not np.array_equal(answer["action"], outputs[min(outputs)].argmax(axis=-1)):
        raise ValueError("an action is not the one of the largest value")
    return outputs


exporter = Policy()
