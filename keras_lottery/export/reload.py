"""Running an artifact in a fresh process and collecting what it says."""

from pathlib import Path

from keras_lottery.export.child import Request, load_arrays, run_child, save_arrays
from keras_lottery.export.exporter import Reloaded, Subject
from keras_lottery.export.report import StoredVariable


def reload_in_child(
    module: str,
    subject: Subject,
    artifact: Path,
    folder: Path,
    *,
    backend: str,
    expected: str,
    extra: Request | None = None,
) -> Reloaded:
    """Runs `module` on the artifact and the subject's inputs.

    The child reads `artifact` and `inputs`, writes `outputs`, and answers with `variables`.

    Args:
        module: a module of this package that `run_child` can run.
        subject: gives the inputs.
        artifact: what to load.
        folder: where files are exchanged.
        backend: the Keras backend of the child.
        expected: what the error says was expected where the child fails.
        extra: further entries of the request.

    Raises:
        LotteryError: the artifact does not load or run.
    """
    inputs, outputs = folder / "inputs.npz", folder / "outputs.npz"
    save_arrays(inputs, subject.inputs)
    request = {"artifact": str(artifact), "inputs": str(inputs), "outputs": str(outputs)}
    answer = run_child(module, request | (extra or {}), folder, backend, expected)
    variables = tuple(StoredVariable.from_json(value) for value in answer["variables"])
    return Reloaded(load_arrays(outputs), variables)
