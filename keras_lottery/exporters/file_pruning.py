"""Prunes the model of a `.keras` file, and writes a new file."""

from collections.abc import Sequence
from contextlib import nullcontext
from numbers import Real
from pathlib import Path

from keras_lottery import checks, pruning, toolkit
from keras_lottery.backend.global_state import preserved
from keras_lottery.errors import LotteryError
from keras_lottery.exporters.export_model import export
from keras_lottery.exporters.model_files import (
    compile_loaded,
    fitting,
    load_file,
    read_examples,
)
from keras_lottery.exporters.report import ExportReport
from keras_lottery.exporters.target import check_target
from keras_lottery.masking import options_from
from keras_lottery.training.checks import check_labels


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
    data: str | Path | None = None,
    finetune_epochs: int = 0,
    loss: str | None = None,
    optimizer: str | None = None,
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
        criterion: name of a registered criterion; one that needs derivatives reads `data`.
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
        data: an `.npz` file with the arrays `x` and `y`.
        finetune_epochs: epochs over `data` for which the pruned model is trained; 0: none.
        loss: Keras name of the loss; None: the one that the file was compiled with.
        optimizer: Keras name of the optimizer; None: the file's, or Adam if it has none.
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
    epochs = checks.whole_number(finetune_epochs, "finetune_epochs")
    _check_use(criterion, data, epochs, loss or optimizer)
    if optimizer and not epochs:
        raise LotteryError(
            f"Expected epochs to train with the optimizer. Received: {optimizer!r} and none. Add "
            "--finetune_epochs, or leave --optimizer out."
        )
    check_target(format, out, quantize)
    examples = None if data is None else read_examples(checks.file_path(data, "data"))
    loaded = load_file(model, compile=examples is not None and not (loss and optimizer))
    if examples is not None:
        compile_loaded(loaded, model, loss, optimizer)
        check_labels(loaded, *examples)
    masked = toolkit.mask(
        loaded,
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
    with fitting(*examples) if examples is not None else nullcontext():
        toolkit.prune_selected(
            masked,
            target,
            options_from(
                include, exclude, biases, norms, embeddings, output, output_layer, pattern
            ),
            criterion=criterion,
            scope=scope,
            data=examples,
        )
        if examples is not None and epochs:
            masked.fit(*examples, epochs=epochs, verbose=2)
    return export(masked, out, format, compact=compact, quantize=quantize, dense=dense)


def _check_use(criterion: str, data: str | Path | None, epochs: int, extra: str | None) -> None:
    """Raises LotteryError if data are missing, or would not be read."""
    entry = pruning.criteria[criterion]
    if needs := entry.needs - {"final"} - entry.derived:
        raise LotteryError(
            "Expected a criterion that needs no more than the weights and data, to prune a file. "
            f"Received: {criterion!r}, which needs the {', '.join(sorted(needs))} weights. Choose "
            "another, or call kl.prune in Python."
        )
    if data is None and (entry.derived or epochs or extra):
        wanted = f"the criterion {criterion!r}" if entry.derived else "fine-tuning"
        raise LotteryError(
            f"Expected --data, an .npz file with the arrays x and y, for {wanted}. Received none. "
            "Write it with numpy.savez(file, x=..., y=...)."
        )
    if data is not None and not (entry.derived or epochs):
        raise LotteryError(
            f"Expected a use for --data. Received: the criterion {criterion!r}, which needs none, "
            "and no epochs. Add --finetune_epochs, or leave --data out."
        )
