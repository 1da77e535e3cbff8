"""Augmentation: the same every time, and no pixel that was not in the image."""

import numpy as np

from keras_lottery.tasks.vision.augment import SHIFT, flip_crop

IMAGES = np.random.default_rng(0).integers(1, 256, (400, 12, 10, 3), dtype=np.uint8)


def windows(image: np.ndarray) -> set[bytes]:
    """Every image that mirroring, padding and cutting can make of one."""
    height, width = image.shape[:2]
    found = set()
    for version in (image, image[:, ::-1]):
        padded = np.pad(version, ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)))
        for top in range(2 * SHIFT + 1):
            for left in range(2 * SHIFT + 1):
                found.add(padded[top : top + height, left : left + width].tobytes())
    return found


def test_equals_mirroring_padding_and_cutting():
    moved = flip_crop(IMAGES, epoch=0, seed=0)
    assert moved.shape == IMAGES.shape and moved.dtype == np.uint8
    for image, result in zip(IMAGES[:40], moved[:40], strict=True):
        assert result.tobytes() in windows(image)


def test_the_same_epoch_and_seed_give_the_same_images():
    before = IMAGES.copy()
    first = flip_crop(IMAGES, epoch=3, seed=1)
    np.testing.assert_array_equal(first, flip_crop(IMAGES, epoch=3, seed=1))
    np.testing.assert_array_equal(IMAGES, before)
    assert (first != flip_crop(IMAGES, epoch=4, seed=1)).any()
    assert (first != flip_crop(IMAGES, epoch=3, seed=2)).any()


def test_half_are_mirrored_and_every_shift_occurs():
    ramp = np.tile(np.arange(1, 41, dtype=np.uint8), (8000, 12, 1))[..., None]
    moved = flip_crop(ramp, epoch=0, seed=0)[:, 6, :, 0].astype(int)
    middle = moved[:, 20]
    mirrored = np.diff(moved[:, 18:22], axis=1)[:, 0] < 0
    assert 0.47 < mirrored.mean() < 0.53
    shifts = np.where(mirrored, middle - 20, 21 - middle)
    assert np.bincount(shifts + SHIFT, minlength=9).min() > 700


def test_images_smaller_than_the_shift():
    tiny = np.full((500, 2, 2, 1), 7, np.uint8)
    moved = flip_crop(tiny, epoch=0, seed=0)
    assert set(np.unique(moved)) == {0, 7}
