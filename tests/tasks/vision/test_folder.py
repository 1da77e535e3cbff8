"""Images in folders: bits, palettes, transparency, and files that are no images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.data import load

GRAY = np.array([[0, 100], [200, 255]], np.uint8)
RED = np.full((2, 2, 3), (255, 0, 0), np.uint8)


def folder(root: Path, **pictures) -> VisionData:
    """Writes two classes of one gray image each into both parts, and adds images to class a."""
    for part in ("train", "test"):
        for name in ("a", "b"):
            (root / part / name).mkdir(parents=True)
            Image.fromarray(GRAY).save(root / part / name / "gray.png")
    for name, picture in pictures.items():
        picture.save(root / "train/a" / f"{name}.png")
    return VisionData(name="folder", path=str(root))


def first(root: Path, picture: Image.Image) -> np.ndarray:
    """Returns what is read from an image."""
    return load(folder(root, a=picture)).train.x[0]


def test_sixteen_bits_are_scaled_and_not_clipped(tmp_path: Path):
    pixels = np.array([[0, 25700], [51400, 65535]], np.uint16)
    assert first(tmp_path, Image.fromarray(pixels))[..., 0].tolist() == GRAY.tolist()


def test_a_palette_is_looked_up(tmp_path: Path):
    picture = Image.fromarray(RED).quantize(4)
    assert picture.mode == "P"
    assert first(tmp_path, picture).tolist() == RED.tolist()


def test_transparent_pixels_are_laid_over_white(tmp_path: Path):
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0] = (255, 0, 0, 255)
    seen = first(tmp_path, Image.fromarray(pixels))
    assert seen.tolist() == [[[255, 0, 0]] * 2, [[255, 255, 255]] * 2]


def test_transparent_gray_stays_gray(tmp_path: Path):
    picture = Image.merge("LA", [Image.fromarray(GRAY), Image.fromarray(GRAY * 0 + 255)])
    picture.putpixel((0, 0), (0, 0))
    assert first(tmp_path, picture)[..., 0].tolist() == [[255, 100], [200, 255]]


def test_one_color_that_a_file_declares_transparent_is_white_too(tmp_path: Path):
    picture = folder(tmp_path)
    Image.fromarray(GRAY).save(tmp_path / "train/a/a.png", transparency=0)
    assert load(picture).train.x[0, ..., 0].tolist() == [[255, 100], [200, 255]]


def test_black_and_white_is_0_and_255(tmp_path: Path):
    seen = first(tmp_path, Image.fromarray(GRAY > 150))
    assert seen[..., 0].tolist() == [[0, 0], [255, 255]]


@pytest.mark.parametrize("part", ["train", "test"])
def test_one_image_in_color_makes_both_parts_color(tmp_path: Path, part):
    data = folder(tmp_path)
    Image.fromarray(RED).save(tmp_path / part / "b/red.png")
    images = load(data)
    assert images.train.x.shape[1:] == images.test.x.shape[1:] == (2, 2, 3)
    assert images.train.x[0, ..., 2].tolist() == GRAY.tolist()


def test_hidden_files_and_folders_are_skipped(tmp_path: Path):
    data = folder(tmp_path)
    for name in ("train/a/._gray.png", "train/b/.hidden.png", "test/b/._gray.png"):
        (tmp_path / name).write_bytes(b"\0\5\x16\7 Mac OS X")
    (tmp_path / "train/.ipynb_checkpoints").mkdir()
    (tmp_path / "test/.cache").mkdir()
    images = load(data)
    assert (len(images.train), len(images.test), images.classes) == (2, 2, 2)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: b"",
        lambda raw: b"no image",
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:40] + bytes(len(raw) - 40),
    ],
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_broken_image_is_named(tmp_path: Path, spoil, part):
    data = folder(tmp_path)
    path = tmp_path / part / "b/gray.png"
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(
        LotteryError, match=rf"Expected an image at {path}\. Received: \w+"
    ) as error:
        load(data)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("pixels", [GRAY.astype("float32"), GRAY.astype("int32") * 10_000])
def test_pixels_of_32_bits_are_refused_by_the_files_name(tmp_path: Path, pixels):
    data = folder(tmp_path)
    Image.fromarray(pixels).save(tmp_path / "train/a/deep.tiff")
    with pytest.raises(LotteryError, match=r"deep\.tiff.*Received: ValueError: pixels"):
        load(data)


def test_a_class_without_training_images_is_named(tmp_path: Path):
    data = folder(tmp_path)
    (tmp_path / "train/b/gray.png").unlink()
    with pytest.raises(LotteryError, match="Received: a, b, without images in b"):
        load(data)


def test_images_of_another_size_in_the_test_part_are_an_error(tmp_path: Path):
    data = folder(tmp_path)
    Image.fromarray(GRAY[:1]).save(tmp_path / "test/a/wide.png")
    with pytest.raises(LotteryError, match=r"one size.*data\.resize"):
        load(data)
