"""Prunes the model of a `.keras` file, and writes a new file."""

from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

from keras_lottery import checks, pruning, toolkit
from keras_lottery.backend.global_state import preserved
from keras_lottery.errors import LotteryError, reason_of
from keras_lottery.exporters.export_model import export
from keras_lottery.exporters.report import ExportReport
from keras_lottery.exporters.target import check_target
from keras_lottery.inflate import check_zip
from keras_lottery.masking import options_from


@preserved()
def prune_file(
    model: str | Path,
    sparsity: float | None,
    out: str | Path,
    *,
    criterion: str = "magnitude",
    scope: str = "global",
    include: str | Sequence[str] = (),
    exclude: str | Sequence[str] = (),
    biases: bool = False,
    norms: bool = False,
    embeddings: bool = True,
    output: bool = True,
    output_layer: str = "",
    pattern: str = "weights",
    flops: float | None = None,
    bytes: int | None = None,
    format: str = "keras",
    compact: bool = False,
    quantize: str | None = None,
    dense: bool = True,
) -> ExportReport:
    """Prunes a saved model to a target, folds the masks in, saves and verifies it.

    Weights that are exactly 0 in the file count as pruned, as in `kl.mask(from_zeros=True)`.

    Args:
        model: a `.keras` file; not modified.
        sparsity: fraction of the prunable weights to remove, in [0, 1); None: see `kl.prune`.
        out: the file or folder to write; must not exist.
        criterion: name of a registered criterion that needs no data.
        scope: name of a registered allocation.
        include: patterns; only matching variables are pruned. This and the rest: see `kl.mask`.
        exclude: path patterns of variables that are not pruned.
        biases: prune biases too.
        norms: prune the scales and shifts of normalization layers too.
        embeddings: prune embeddings.
        output: prune the output layer.
        output_layer: pattern of the output layer, if it is not detected.
        pattern: which weights are pruned together, such as `channels`.
        flops: instead of a sparsity, fraction of the FLOPs to remove.
        bytes: instead of a sparsity, target size of the parameters in bytes.
        format: name of a registered format. This and the rest: see `kl.export`.
        compact: remove pruned channels, so that the model is smaller and faster.
        quantize: `int8`: quantize the weights.
        dense: also write and measure the dense network, then delete it.

    Raises:
        LotteryError: the file cannot be loaded or written, the target is out of range, cannot be
            reached or is below the sparsity of the file, or a pattern matches nothing.
    """

    model, out = checks.file_path(model, "model"), checks.file_path(out, "out")
    is_number = isinstance(sparsity, Real) and not isinstance(sparsity, bool)
    if sparsity is not None and not (is_number and 0 <= sparsity < 1):
        raise LotteryError(
            f"Expected a sparsity in [0, 1), the fraction to remove. Received: {sparsity!r}. "
            "Write 0.9 for 90 %."
        )
    target = toolkit.Target(sparsity, flops, bytes).checked(pattern)
    pruning.check_choices(pattern, criterion, scope)
    if needs := pruning.criteria[criterion].needs - {"final"}:
        raise LotteryError(
            "Expected a criterion that needs only the weights, to prune a file. Received: "
            f"{criterion!r}, which needs the {', '.join(sorted(needs))}. Choose another, or call "
            "kl.prune(model, data=(x, y)) in Python."
        )
    check_target(format, out, quantize)
    masked = toolkit.mask(
        load_file(model),
        include=include,
        exclude=exclude,
        biases=biases,
        norms=norms,
        embeddings=embeddings,
        output=output,
        output_layer=output_layer,
        from_zeros=True,
        pattern=pattern,
    )
    toolkit.prune_selected(
        masked,
        target,
        options_from(include, exclude, biases, norms, embeddings, output, output_layer, pattern),
        criterion=criterion,
        scope=scope,
    )
    return export(masked, out, format, compact=compact, quantize=quantize, dense=dense)


def load_file(path: Path, compile: bool = False) -> Any:
    """Returns the model of an untrusted `.keras` file, without running code in it.

    Raises:
        LotteryError: it is not a `.keras` file, Keras cannot load it, or it contains code.
    """
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
        check_zip(path)
        return keras.saving.load_model(path, compile=compile)
    except LotteryError:
        raise
    except ValueError as error:
        if "safe_mode" not in str(error):
            raise _unreadable(path, error) from error
        raise LotteryError(
            f"Expected a .keras file without code in it. Received: {path}, which contains code "
            "(such as a Lambda layer) that Keras' safe mode refuses to run. If you trust its "
            "source, load it in Python with safe_mode=False, and use kl.mask, kl.prune and "
            "kl.export."
        ) from error
    except Exception as error:  # a damaged file can fail in any of the libraries that read it
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> LotteryError:
    return LotteryError(
        f"Expected a .keras file that Keras can load. Received: {path}: "
        f"{reason_of(error)} Save it again; a model of classes of your own is "
        "pruned in Python, with kl.prune."
    )
