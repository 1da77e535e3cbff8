"""The commands for models in files: `prune` and `sensitivity`."""

from pathlib import Path
from typing import Any

from absl import flags

from keras_lottery.cli.choose import backend_for_tools
from keras_lottery.cli.command import (
    Command,
    define_format,
    format_of,
    literal,
    modules_of,
    required,
    text_flag,
)


def _define_prune(values: flags.FlagValues) -> None:
    text_flag(values, "model", None, "A .keras file.")
    text_flag(values, "out", None, "Folder or file to write; must not exist.")
    define_format(values, "keras")
    text = (
        "Fraction to remove, in [0, 1). Default: half of the channels, 0.9 of the blocks, and what "
        "N:M says; for weights, give it."
    )
    flags.DEFINE_float("sparsity", None, text, flag_values=values)
    _define_selection(values)
    text_flag(values, "scope", "global", "Allocation of sparsity to layers (see `list scopes`).")
    text = "With channels, instead of --sparsity: fraction of the FLOPs to remove."
    flags.DEFINE_float("flops", None, text, flag_values=values)
    text = "With channels, instead of --sparsity: size of the parameters to reach, in bytes."
    flags.DEFINE_integer("bytes", None, text, flag_values=values)
    text_flag(values, "data", None, "An .npz file with the arrays x and y, to train on.")
    text = "Epochs to train the pruned model on the data."
    flags.DEFINE_integer("finetune_epochs", 0, text, flag_values=values)
    _define_loss(values)
    text_flag(values, "optimizer", None, "Keras name (default: the one in the model, or adam).")
    for name, default, text in (
        ("biases", False, "Prune biases too."),
        ("norms", False, "Prune the scales and shifts of normalization layers too."),
        ("embeddings", True, "Prune embeddings."),
        ("output", True, "Prune the output layer."),
    ):
        flags.DEFINE_bool(name, default, text, flag_values=values)
    text_flag(values, "output_layer", "", "Pattern of the output layer, if it is not detected.")


def _prune(values: flags.FlagValues, _: dict[str, Any]) -> None:
    model = Path(required(values, "model", PRUNE.example))
    out = Path(required(values, "out", PRUNE.example))
    # Other patterns have a default of their own.
    if values.flops is None and values.bytes is None and values.pattern == "weights":
        required(values, "sparsity", PRUNE.example)
    backend_for_tools(modules_of(values))
    from keras_lottery.exporters import prune_file

    report = prune_file(
        model,
        values.sparsity,
        out,
        criterion=values.criterion,
        scope=values.scope,
        include=values.include,
        exclude=values.exclude,
        biases=values.biases,
        norms=values.norms,
        embeddings=values.embeddings,
        output=values.output,
        output_layer=values.output_layer,
        pattern=values.pattern,
        flops=values.flops,
        bytes=values.bytes,
        data=values.data,
        finetune_epochs=values.finetune_epochs,
        loss=values.loss,
        optimizer=values.optimizer,
        **format_of(values),
    )
    print(report)


def _define_sensitivity(values: flags.FlagValues) -> None:
    text_flag(values, "model", None, "A .keras file.")
    text_flag(values, "data", None, "An .npz file with the arrays x and y.")
    text_flag(values, "out", None, "Folder for sensitivity.csv and sensitivity.png.")
    _define_loss(values)
    text = "Sparsities to try per layer, in (0, 1)."
    flags.DEFINE_list("sparsities", ["0.5", "0.8", "0.9"], text, flag_values=values)
    _define_selection(values)


def _define_loss(values: flags.FlagValues) -> None:
    text_flag(
        values, "loss", None, "Loss, as a Keras name (default: the one compiled into the model)."
    )


def _define_selection(values: flags.FlagValues) -> None:
    """Defines the flags that choose what is pruned, and by which criterion."""
    text_flag(values, "criterion", "magnitude", "Pruning criterion (see `list criteria`).")
    text_flag(
        values,
        "pattern",
        "weights",
        "What to prune: weights, channels, channels:8 (a multiple "
        "of 8 stays), N:M (2:4) or block:4x4.",
    )
    for name, text in (
        ("include", "Path patterns or layer names: prune only these."),
        ("exclude", "Path patterns or layer names to skip, such as */output/*."),
    ):
        flags.DEFINE_list(name, [], text, flag_values=values)


def _sensitivity(values: flags.FlagValues, _: dict[str, Any]) -> None:
    model = required(values, "model", SENSITIVITY.example)
    data = required(values, "data", SENSITIVITY.example)
    backend_for_tools(modules_of(values))
    from keras_lottery.exporters import sensitivity_file

    table = sensitivity_file(
        model,
        data,
        [literal(text) for text in values.sparsities],
        values.out,
        loss=values.loss,
        pattern=values.pattern,
        criterion=values.criterion,
        include=values.include,
        exclude=values.exclude,
    )
    print(table)
    if values.out:
        print(f"figure: {Path(values.out) / 'sensitivity.png'}")


PRUNE = Command(
    "Prunes a .keras file, and writes it in any format.",
    "keras-lottery prune --model=model.keras --sparsity=0.9 --out=pruned.keras",
    _define_prune,
    _prune,
)
SENSITIVITY = Command(
    "Measures each layer's sensitivity to pruning, for a saved model.",
    "keras-lottery sensitivity --model=model.keras --data=validation.npz --out=sensitivity",
    _define_sensitivity,
    _sensitivity,
)
