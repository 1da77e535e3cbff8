"""Images from a folder: `train/<class>/*.png` and `test/<class>/*.png`."""

from pathlib import Path

import numpy as np
from PIL import Image

from keras_lottery.checks import file_path
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.images import Source, as_split

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
PARTS = ("train", "test")

Labeled = list[tuple[Path, int]]


def folder(data: VisionData) -> Source:
    """Returns the images under `train/` and `test/`, one sub-folder per class, sorted by name.

    Hidden files and folders (starting with a dot) are skipped. Pixels are converted to 8 bits: 16
    bits are scaled, palettes are looked up, and transparent pixels are blended with white. Images
    are grayscale if all of them are, else all are RGB.

    Raises:
        LotteryError: a folder, a class or an image is missing, broken, or unlike the others.
    """
    root = file_path(Path(data.dir, data.path), "data.path")
    for name in PARTS:
        if not (root / name).is_dir():
            raise LotteryError(
                f"Expected a folder with the sub-folders train and test at {root}. "
                f"Received: no {root / name}. Set data.path (and data.dir) to the images."
            )
    names = _classes(root / "train")
    if others := set(_classes(root / "test")) - set(names):
        raise LotteryError(
            f"Expected test classes that are also in {root / 'train'}. "
            f"Received: {', '.join(sorted(others))}. Add or remove them."
        )
    files = {part: _files(root / part, names) for part in PARTS}
    empty = set(range(len(names))) - {label for _, label in files["train"]}
    if empty or len(names) < 2:
        raise LotteryError(
            f"Expected two classes or more with training images in {root / 'train'}. Received: "
            f"{', '.join(names)}{_without(names, empty)}. Add images or remove the sub-folder."
        )
    images = {part: [_image(path, data.resize) for path, _ in files[part]] for part in PARTS}
    _check_sizes(root, {image.size for part in PARTS for image in images[part]})
    is_gray = all(image.mode == "L" for part in PARTS for image in images[part])
    mode = "L" if is_gray else "RGB"
    train, test = (
        as_split(
            np.stack([np.asarray(image.convert(mode)) for image in images[part]]),
            np.asarray([label for _, label in files[part]]),
            f"{part} folder's",
        )
        for part in PARTS
    )
    return Source(train=train, test=test, classes=len(names))


def _classes(root: Path) -> list[str]:
    return sorted(p.name for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))


def _files(root: Path, names: list[str]) -> Labeled:
    """Returns the images of all classes and the class number of each."""
    files = [
        (path, label)
        for label, name in enumerate(names)
        for path in (sorted((root / name).iterdir()) if (root / name).is_dir() else ())
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".")
    ]
    if not files:
        raise LotteryError(
            f"Expected images ({', '.join(ENDINGS)}) in sub-folders of {root}, one per class. "
            "Received: none. Set data.path (and data.dir) to the images."
        )
    return files


def _without(names: list[str], empty: set[int]) -> str:
    missing = ", ".join(names[label] for label in sorted(empty))
    return f", without images in {missing}" if missing else ""


def _check_sizes(root: Path, sizes: set[tuple[int, int]]) -> None:
    if len(sizes) > 1:
        raise LotteryError(
            f"Expected images of one size in {root}. Received: {len(sizes)} sizes, "
            f"e.g. {sorted(sizes)[:2]}. Set data.resize to a side in pixels."
        )


def _image(path: Path, resize: int) -> Image.Image:
    try:
        with Image.open(path) as file:
            image = _eight_bits(file)
    except Exception as error:  # decoders raise many types
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise LotteryError(
            f"Expected an image at {path}. Received: {reason}. Remove or repair it."
        ) from error
    return image.resize((resize, resize), Image.Resampling.BILINEAR) if resize else image


def _eight_bits(image: Image.Image) -> Image.Image:
    """Returns an image of the mode `L` or `RGB`.

    Pillow's own conversion clips 16 bits at 255 and drops transparency.
    """
    if image.mode.startswith("I"):
        pixels = np.asarray(image)
        low, high = int(pixels.min()), int(pixels.max())
        if low < 0 or high > 65535:
            raise ValueError(f"pixels from {low} to {high}, where 16 bits end at 65535")
        return Image.fromarray(np.round(pixels / 257).astype(np.uint8))
    if image.mode == "F":
        raise ValueError("pixels that are floats; save them with 8 or 16 bits")
    if image.mode in ("L", "1") and "transparency" not in image.info:
        return image.convert("L")
    if not image.has_transparency_data:
        return image.convert("RGB")
    color = image.convert("RGBA")
    white = Image.new("RGBA", color.size, "white")
    mode = "L" if image.mode in ("L", "LA", "La", "1") else "RGB"
    return Image.alpha_composite(white, color).convert(mode)
