"""A greedy policy as TF-Agents' `PolicySaver` writes it, for agents of the task `rl`."""

import dataclasses
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.exporters.exporter import Reloaded, Subject
from keras_lottery.exporters.report import StoredVariable
from keras_lottery.exporters.signature import named
from keras_lottery.exporters.subprocess.archive import load_archive, loading, save_archive
from keras_lottery.exporters.subprocess.child import (
    Request,
    load_arrays,
    reload_in_child,
    run_child,
    save_arrays,
)

_INFO = "info/"
# Checkpoint keys of the policy network's variables, in order.
_KEY = "_all_assets/_network/variables/{}/.ATTRIBUTES/VARIABLE_VALUE"
_LEGACY = {"TF_USE_LEGACY_KERAS": "1"}  # TF-Agents is written for Keras 2


class PolicyExporter:
    """Writes in a child process on TensorFlow; reloads with only TensorFlow.

    The policy acts greedily; the network's outputs are in the step's `info`, which is compared with
    the model's outputs.
    """

    suffix = ""

    def write(self, subject: Subject, folder: Path) -> Path:
        """Writes `folder/artifact`.

        Raises:
            MissingExtraError: TF-Agents is not installed.
            LotteryError: the model doesn't map one observation to one value per action.
        """
        if find_spec("tf_agents") is None:
            raise MissingExtraError("tf_agents", "rl")
        inputs, first = subject.signature.inputs, next(iter(subject.outputs.values()))
        if len(inputs) != 1 or first.ndim != 2:
            raise LotteryError(
                "Expected a network from one observation to a value for each action. Received: one "
                f"with {len(inputs)} inputs, whose first output has the shape {first.shape}. Use "
                "--format=saved_model."
            )
        archive, artifact = folder / "model.keras", folder / "artifact"
        save_archive(subject.model, archive)
        request = loading(subject.model, archive) | {"artifact": str(artifact)}
        work, expected = f"{__name__}:write", "a network that can be saved as a policy"
        run_child(work, request, folder, "tensorflow", expected, _LEGACY)
        return artifact

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        """Loads the SavedModel with only TensorFlow and runs its actions."""
        from keras_lottery import masking

        return reload_in_child(
            f"{__name__}:read",
            subject,
            artifact,
            folder,
            backend="tensorflow",
            expected="a policy that TensorFlow can load and that takes the best action",
            extra={"paths": list(masking.variables(subject.model))},
        )


def write(request: Request) -> Request:
    """Loads `archive` and writes `artifact`."""
    from keras_lottery.tasks.rl import policies

    model = load_archive(request)
    policies.save(model, lambda outputs: named(outputs, "output"), Path(request["artifact"]))
    return {}


def read(request: Request) -> Request:
    """Runs `artifact` on `inputs`, writes `outputs`, and returns the variables.

    Raises:
        ValueError: an action is not the one with the largest value.
    """
    import tensorflow as tf

    module = tf.saved_model.load(request["artifact"])
    (observation,) = load_arrays(Path(request["inputs"])).values()
    count = len(observation)
    act = module.signatures["action"]
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
    save_arrays(Path(request["outputs"]), outputs)
    checkpoint = tf.train.load_checkpoint(f"{request['artifact']}/variables/variables")
    stored = [
        StoredVariable.of(path, checkpoint.get_tensor(_KEY.format(index)))
        for index, path in enumerate(request["paths"])
    ]
    stored.sort(key=lambda variable: variable.path)
    return {"variables": [dataclasses.asdict(variable) for variable in stored]}


exporter = PolicyExporter()
