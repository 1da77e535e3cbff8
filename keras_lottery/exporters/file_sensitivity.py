"""Measures the pruning sensitivity of the layers of a `.keras` file."""

import io
from collections.abc import Sequence
from pathlib import Path

from keras_lottery import checks, toolkit
from keras_lottery.backend.global_state import preserved
from keras_lottery.exporters.model_files import (
    compile_loaded,
    fitting,
    load_file,
    read_examples,
)
from keras_lottery.exporters.workspace import check_absent
from keras_lottery.files import check_writable, write_text, write_whole
from keras_lottery.toolkit import Sensitivity
from keras_lottery.training.checks import check_labels

_TABLE, _FIGURE = "sensitivity.csv", "sensitivity.png"


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
        out: a folder for `sensitivity.csv` and `sensitivity.png`, which must not be there yet;
            None: nothing is written.
        loss: Keras name of the loss; None: the one that the file was compiled with.
        pattern: which weights are pruned together. This and the rest: see `kl.prune`.
        criterion: name of a registered criterion.
        include: patterns; only matching variables are pruned.
        exclude: path patterns of variables that are not pruned.

    Raises:
        LotteryError: a file cannot be read or written, the model has no loss, or as in
            `kl.sensitivity`.
    """
    folder = None if out is None else checks.file_path(out, "out")
    if folder is not None:
        check_absent([folder / _TABLE, folder / _FIGURE])
    x, y = read_examples(checks.file_path(data, "data"))
    model = checks.file_path(model, "model")
    loaded = load_file(model, compile=loss is None)
    compile_loaded(loaded, model, loss)
    check_labels(loaded, x, y)
    if folder is not None:
        check_writable(folder)
    with fitting(x, y):
        table = toolkit.sensitivity(
            loaded,
            (x, y),
            sparsities,
            pattern=pattern,
            criterion=criterion,
            include=include,
            exclude=exclude,
        )
    if folder is not None:
        figure = io.BytesIO()
        table.plot().savefig(figure, format="png", dpi=150)
        write_text(folder / _TABLE, table.to_pandas().to_csv(index=False))
        write_whole(folder / _FIGURE, lambda to: to.write_bytes(figure.getvalue()))
    return table
