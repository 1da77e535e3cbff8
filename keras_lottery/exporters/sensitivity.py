"""Measures the pruning sensitivity of the layers of a `.keras` file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from keras_lottery import checks, toolkit
from keras_lottery.backend.global_state import preserved
from keras_lottery.errors import LotteryError
from keras_lottery.exporters.pruned import load_file
from keras_lottery.files import write_text, write_whole
from keras_lottery.inflate import read_npz
from keras_lottery.toolkit import Sensitivity


@preserved()
def sensitivity_file(
    model: str | Path,
    data: str | Path,
    sparsities: Sequence[float] = (0.5, 0.8, 0.9),
    out: str | Path | None = None,
    *,
    loss: str | None = None,
    pattern: str = "weights",
    criterion: str = "magnitude",
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
) -> Sensitivity:
    """Returns the loss of a saved model with one layer pruned at a time.

    Args:
        model: a `.keras` file.
        data: an `.npz` file with the arrays `x` and `y`.
        sparsities: fractions to remove of each layer, in (0, 1).
        out: a folder for `sensitivity.csv` and `sensitivity.png`; None: nothing is written.
        loss: Keras name of the loss; None: the one that the file was compiled with.
        pattern: which weights are pruned together. This and the rest: see `kl.prune`.
        criterion: name of a registered criterion.
        include: patterns; only matching variables are pruned.
        exclude: path patterns of variables that are not pruned.

    Raises:
        LotteryError: a file cannot be read or written, the model has no loss, or as in
            `kl.sensitivity`.
    """
    x, y = _read(checks.file_path(data, "data"))
    loaded = load_file(checks.file_path(model, "model"), compile=loss is None)
    if loss is not None:
        loaded.compile(loss=_loss(loss))
    elif getattr(loaded, "loss", None) is None:
        raise LotteryError(
            f"Expected a compiled model. Received: {model}, which has no loss. Name one with "
            "--loss, such as --loss=sparse_categorical_crossentropy."
        )
    table = toolkit.sensitivity(
        loaded,
        (x, y),
        sparsities,
        pattern=pattern,
        criterion=criterion,
        include=include,
        exclude=exclude,
    )
    if out is not None:
        folder = checks.file_path(out, "out")
        write_text(folder / "sensitivity.csv", table.to_pandas().to_csv(index=False))
        write_whole(
            folder / "sensitivity.png",
            lambda to: table.plot().savefig(to, format="png", dpi=150),
        )
    return table


def _loss(name: str) -> Any:
    import keras

    try:
        return keras.losses.get(name)
    except ValueError as error:
        raise LotteryError(
            f"Expected the Keras name of a loss, such as mse. Received: --loss={name}. Check it."
        ) from error


def _read(path: Path) -> tuple[NDArray[Any], NDArray[Any]]:
    advice = "Write it with numpy.savez(file, x=..., y=...)."
    arrays = read_npz(path, advice)
    if missing := {"x", "y"} - arrays.keys():
        raise LotteryError(
            f"Expected the arrays x and y in {path}. Received: no {min(missing)}. {advice}"
        )
    x, y = arrays["x"], arrays["y"]
    if x.ndim < 1 or x.shape[:1] != y.shape[:1] or not len(x):
        raise LotteryError(
            f"Expected as many targets as examples, one at least. Received: x of shape {x.shape} "
            f"and y of shape {y.shape} in {path}. Write the file again."
        )
    return x, y
