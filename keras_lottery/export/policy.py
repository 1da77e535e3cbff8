"""A greedy policy as TF-Agents' `PolicySaver` writes it, for agents of the task `rl`."""

from importlib.util import find_spec
from pathlib import Path

from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.export.archive import loading, save_archive
from keras_lottery.export.child import run_child
from keras_lottery.export.exporter import Reloaded, Subject
from keras_lottery.export.reload import reload_in_child

_LEGACY = {"TF_USE_LEGACY_KERAS": "1"}  # TF-Agents is written for Keras 2


class PolicyExporter:
    """Writes in a child process on TensorFlow; TensorFlow alone reads.

    The policy acts greedily; the network's outputs stand in the step's `info`, by which the
    artifact is compared with the model.
    """

    suffix = ""

    def write(self, subject: Subject, folder: Path) -> Path:
        """Writes `folder/artifact`.

        Raises:
            MissingExtraError: TF-Agents is not installed.
            LotteryError: the model is not from one observation to one number an action.
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
        module, expected = "keras_lottery.export.policy_write", "a network that is a policy"
        run_child(module, request, folder, "tensorflow", expected, _LEGACY)
        return artifact

    def reload(self, subject: Subject, artifact: Path, folder: Path) -> Reloaded:
        """Loads the SavedModel with TensorFlow alone and lets it act."""
        from keras_lottery import masking

        return reload_in_child(
            "keras_lottery.export.policy_read",
            subject,
            artifact,
            folder,
            backend="tensorflow",
            expected="a policy that TensorFlow can load and that takes the best action",
            extra={"paths": list(masking.variables(subject.model))},
        )


exporter = PolicyExporter()
