"""Images from a folder: `train/<class>/*.png` and `test/<class>/*.png`."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, UnidentifiedImageError

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.images import Source, Split, as_split

if TYPE_CHECKING:
    from keras_lottery.tasks.vision.config import VisionData

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp")


def folder(data: "VisionData") -> Source:
    """Returns the images under `train/` and `test/`, one sub-folder a class, sorted by name."""
    root = Path(data.dir, data.path).expanduser()
    for name in ("train", "test"):
        if not (root / name).is_dir():
            raise LotteryError(
                f"Expected a folder with the sub-folders train and test at {root}. "
                f"Received: no {root / name}. Set data.path (and data.dir) to the images."
            )
    names = sorted(p.name for p in (root / "train").iterdir() if p.is_dir())
    others = {p.name for p in (root / "test").iterdir() if p.is_dir()} - set(names)
    if others:
        raise LotteryError(
            f"Expected test classes that are also in {root / 'train'}. "
            f"Received: {', '.join(sorted(others))}. Add or remove them."
        )
    train = _split(root / "train", names, data.resize)
    test = _split(root / "test", names, data.resize)
    if train.x.shape[1:] != test.x.shape[1:]:
        raise LotteryError(
            f"Expected test images of the training images' shape {train.x.shape[1:]}. "
            f"Received: {test.x.shape[1:]}. Set data.resize, or convert them."
        )
    return Source(train=train, test=test, classes=len(names))


def _split(root: Path, names: list[str], resize: int) -> Split:
    """Reads the images of all classes; grey only where every image is."""
    files = [
        (path, label)
        for label, name in enumerate(names)
        for path in sorted((root / name).glob("*"))
        if path.suffix.lower() in ENDINGS
    ]
    if not files:
        raise LotteryError(
            f"Expected images ({', '.join(ENDINGS)}) in sub-folders of {root}, one a class. "
            "Received: none. Set data.path (and data.dir) to the images."
        )
    images = [_image(path, resize) for path, _ in files]
    sizes = {image.size for image in images}
    if len(sizes) > 1:
        raise LotteryError(
            f"Expected images of one size in {root}. Received: {len(sizes)} sizes, "
            f"e.g. {sorted(sizes)[:2]}. Set data.resize to a side in pixels."
        )
    mode = "L" if all(image.mode == "L" for image in images) else "RGB"
    pixels = np.stack([np.asarray(image.convert(mode)) for image in images])
    return as_split(pixels, np.asarray([label for _, label in files]), f"{root.name} folder's")


def _image(path: Path, resize: int) -> Image.Image:
    try:
        with Image.open(path) as file:
            image = file.copy() if file.mode == "L" else file.convert("RGB")
    except (OSError, UnidentifiedImageError, SyntaxError) as error:
        raise LotteryError(
            f"Expected an image at {path}. Received: {type(error).__name__}. Remove or mend it."
        ) from error
    return image.resize((resize, resize), Image.Resampling.BILINEAR) if resize else image
