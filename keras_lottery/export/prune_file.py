"""Prunes a `.keras` file into another one."""

from pathlib import Path
from typing import Any

from keras_lottery import checks
from keras_lottery.errors import LotteryError
from keras_lottery.export.exporter import exporters
from keras_lottery.export.reason import reason_of
from keras_lottery.export.report import ExportReport
from keras_lottery.export.ship import check_free, export


def prune_file(
    model: str | Path,
    sparsity: float,
    out: str | Path,
    *,
    criterion: str = "magnitude",
    scope: str = "global",
) -> ExportReport:
    """Prunes a saved model to `sparsity`, folds the masks in, saves and verifies it.

    Args:
        model: a `.keras` file; it stays as it is.
        sparsity: fraction of the prunable weights to remove, in [0, 1).
        out: the `.keras` file to write; must not be there yet.
        criterion: name of a registered criterion that needs no data.
        scope: name of a registered allocation.

    Raises:
        LotteryError: the file cannot be loaded or written, or the sparsity is out of range.
    """
    from keras_lottery import masking

    model, out = checks.file_path(model, "model"), checks.file_path(out, "out")
    if not 0 <= checks.number(sparsity, "sparsity") < 1:
        raise LotteryError(
            f"Expected a sparsity in [0, 1), the fraction to remove. Received: {sparsity}. "
            "Write 0.9 for 90 %."
        )
    check_free(out, exporters["keras"])
    masked = masking.mask(_load(model), in_place=True)
    masking.prune(masked, sparsity=sparsity, criterion=criterion, scope=scope)
    return export(masked, out, "keras")


def _load(path: Path) -> Any:
    import keras

    if not path.is_file():
        raise LotteryError(
            f"Expected a .keras file. Received: {path}, no such file. Check --model."
        )
    if path.suffix != ".keras":
        raise LotteryError(
            f"Expected a .keras file. Received: {path}. Load it in Python, and save it as .keras."
        )
    try:
        return keras.saving.load_model(path, compile=False)
    except Exception as error:  # a damaged file fails in whichever library meets it first
        raise LotteryError(
            f"Expected a .keras file that Keras can load. Received: {path}: "
            f"{reason_of(error)} Save it again; a model of classes of your own is "
            "pruned in Python, with kl.prune."
        ) from error
