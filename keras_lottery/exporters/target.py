"""Where an export may write: the format, the artifact's path, and the files next to it."""

from collections.abc import Iterable
from pathlib import Path

from keras_lottery.errors import LotteryError
from keras_lottery.exporters import variants
from keras_lottery.exporters.exporter import Exporter, exporters
from keras_lottery.exporters.workspace import check_absent, clear_killed
from keras_lottery.exporters.writing import check_installed

REPORT, TABLE = "export.json", "export.md"
_OF_FILES = (".keras", ".tflite", ".onnx", ".safetensors", ".h5", ".xml", ".pb")


def check_target(
    format: str, out: Path, quantize: str | None = None, assets: Iterable[str] = ()
) -> Exporter:
    """Returns the exporter of a format, if it can write to `out`; see `check_free`.

    Raises:
        LotteryError: the format is unknown, can't be quantized, or can't be written to `out`.
        MissingExtraError: it needs a package that is not installed.
    """
    exporter = exporters[format]
    variants.check_quantization(quantize, format, exporter)
    check_free(out, exporter, assets)
    check_installed(exporter)
    return exporter


def check_free(out: Path, exporter: Exporter, assets: Iterable[str] = ()) -> None:
    """Checks that the paths of an artifact and its companion files are free.

    Files of killed exports are removed first.

    Raises:
        LotteryError: `out` has the wrong suffix, or a file exists.
    """
    if exporter.suffix and out.suffix != exporter.suffix:
        raise LotteryError(
            f"Expected a file name that ends in {exporter.suffix}. Received: {out}. Rename it, or "
            "choose another `format`."
        )
    if not exporter.suffix and out.suffix in _OF_FILES:
        raise LotteryError(
            f"Expected the name of a folder, without {out.suffix}. Received: {out}. Rename it, or "
            "choose a `format` that is a file."
        )
    clear_killed(out.parent)
    names = (REPORT, TABLE, *assets)
    check_absent([out, *(companion(out, exporter, name) for name in names)])


def companion(out: Path, exporter: Exporter, name: str) -> Path:
    """Returns the path of an artifact's companion file: in its folder, or next to its file."""
    return Path(f"{out}.{name}") if exporter.suffix else out / name
