"""Arrays of images from .npz and idx files: range, axes and labels."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.data import load
from keras_lottery.tasks.vision.datasets.arrays import from_arrays

LABELS = np.arange(10) % 5


def images(dtype, largest, shape=(10, 6, 7), low=0):
    """Images that spread evenly from `low` to `largest`."""
    return np.linspace(low, largest, int(np.prod(shape))).reshape(shape).astype(dtype)


def read(x, y=LABELS, x_test=None, y_test=None, scaling="unit"):
    return from_arrays(
        x, y, x if x_test is None else x_test, y if y_test is None else y_test, scaling
    )


@pytest.mark.parametrize(
    ("x", "dtype", "maximum"),
    [
        (images(np.uint8, 255), "uint8", 255),
        (images(np.int64, 255), "uint8", 255),
        (images(np.float64, 255), "float32", 255),
        (images(np.float32, 254.5), "float32", 255),
        (images(np.float64, 1), "float32", 1),
        (images(np.float32, 1.03), "float32", 1),
        (images(np.float32, 2.7, low=-2.1), "float32", 1),
        (images(np.uint8, 1), "uint8", 1),
        (images(np.float32, 1) > 0.5, "uint8", 1),
        (np.zeros((10, 6, 7), np.uint8), "uint8", 255),
    ],
)
def test_the_range_of_the_images_says_what_is_full_brightness(x, dtype, maximum):
    source = read(x)
    assert (source.train.x.dtype, source.maximum) == (dtype, maximum)
    assert source.train.x.shape == (10, 6, 7, 1)
    np.testing.assert_allclose(source.train.x[..., 0], x.astype(dtype))


def test_sixteen_bits_are_scaled():
    source = read(images(np.uint16, 65535))
    assert source.train.x.dtype == np.float32
    assert (source.train.x.min(), source.train.x.max(), source.maximum) == (0, 1, 1)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (images(np.float32, 16), "float images from 0 to 1.*Received: .*float32 from 0 to 16"),
        (images(np.float32, 127, low=-128), "Received: .*from -128 to 127"),
        (images(np.float32, 4095), "Received: .*from 0 to 4095"),
        (images(np.int64, 256), "Received: int64 from 0 to 256"),
        (images(np.int64, 100, low=-1), "Received: int64 from -1 to 100"),
        (images(np.complex64, 1), "Received: complex64"),
        (images(np.uint8, 255, (10, 1, 6, 6)), r"channels last.*np\.moveaxis"),
        (images(np.uint8, 255, (10, 3, 6, 7)), r"channels last.*\(10, 3, 6, 7\)"),
        (images(np.uint8, 255, (10, 3, 4, 4)), "channels last"),
        (images(np.uint8, 255, (10, 36)), "images of shape"),
        (images(np.uint8, 255, (10, 0, 6)), "images of shape"),
    ],
)
def test_images_that_could_be_misread_are_refused(x, words):
    with pytest.raises(LotteryError, match=words) as error:
        read(x)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("shape", [(10, 6, 7, 3), (10, 4, 4, 10), (10, 3, 3, 3), (10, 8, 8, 12)])
def test_channels_that_are_last_are_left_there(shape):
    assert read(images(np.uint8, 255, shape)).train.x.shape == shape


@pytest.mark.parametrize("scaling", ["standard", "none"])
def test_any_range_will_do_where_nothing_is_divided_by_it(scaling):
    x = images(np.float32, 4095)
    assert read(x, scaling=scaling).train.x.max() == 4095


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (images(np.float32, 255), images(np.float32, 1)),
        (images(np.float32, 1), images(np.float32, 255)),
        (images(np.float32, 1), images(np.float32, 16)),
        (images(np.uint8, 255), images(np.uint8, 1)),
        (images(np.uint8, 1), images(np.uint8, 255)),
        (images(np.float32, 2, low=-2), images(np.float32, 255)),
    ],
)
def test_test_images_on_another_scale_are_refused(train, test):
    with pytest.raises(LotteryError, match="on the scale of the training images"):
        read(train, x_test=test)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_pixel_that_is_no_number_is_named_by_its_image(value):
    x = images(np.float32, 1)
    x[7, 2, 2] = value
    with pytest.raises(LotteryError, match=r"training images of finite.*the image at index 7"):
        read(x)
    with pytest.raises(LotteryError, match=r"test images of finite.*the image at index 7"):
        read(images(np.float32, 1), x_test=x)


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (LABELS + 1, "1, 2, 3, 4, 5"),
        (2 * LABELS, "0, 2, 4, 6, 8"),
        (np.array(list("abcde"))[LABELS], "a, b, c, d, e"),
        (np.array([b"a", b"b", b"c", b"d", b"e"])[LABELS], "a, b, c, d, e"),
    ],
)
def test_labels_are_counted_from_0_and_the_note_says_so(labels, order):
    with pytest.warns(UserWarning, match=f"Labels {order} are counted as classes 0 to 4"):
        source = read(images(np.uint8, 255), labels)
    assert source.classes == 5
    assert source.train.y.tolist() == source.test.y.tolist() == LABELS.tolist()


@pytest.mark.parametrize("labels", [LABELS.astype(float), LABELS[:, None], LABELS.astype("uint8")])
def test_whole_numbers_of_any_kind_are_labels(labels):
    source = read(images(np.uint8, 255), labels)
    assert (source.train.y.tolist(), source.classes) == (LABELS.tolist(), 5)
    assert source.train.y.dtype == np.int32


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.where(LABELS == 3, 0.5, LABELS), "Received: 0.5 at index 3"),
        (np.where(LABELS == 2, np.nan, LABELS), "Received: nan at index 2"),
        (np.eye(5)[LABELS], r"np\.argmax\(y, axis=1\)"),
        (LABELS * 0 + 3, "two classes or more. Received: 3 alone"),
        (LABELS.astype(complex), "Received: complex"),
        (LABELS[:9], "Expected 10 training labels"),
        (np.int64(3), "Expected 10 training labels"),
    ],
)
def test_labels_that_name_no_class_are_refused(labels, words):
    with pytest.raises(LotteryError, match=words):
        read(images(np.uint8, 255), labels)


def test_a_test_label_without_training_images_is_refused():
    with pytest.raises(LotteryError, match=r"Received: 7, 9, first at index 4\."):
        read(images(np.uint8, 255), y_test=np.array([0, 1, 2, 3, 9, 7, 0, 1, 2, 3]))
    with pytest.raises(LotteryError, match="both as whole numbers or both as strings"):
        read(images(np.uint8, 255), y_test=LABELS.astype(str))


def test_an_npz_file_is_scaled_as_the_config_says(tmp_path: Path):
    x = images(np.float32, 4095)
    np.savez(tmp_path / "made.npz", x_train=x, y_train=LABELS, x_test=x, y_test=LABELS)
    data = {"name": "arrays", "path": str(tmp_path / "made.npz")}
    assert load(VisionData(**data, scaling="standard")).train.x.max() == 4095
    with pytest.raises(LotteryError, match="from 0 to 4095"):
        load(VisionData(**data))
    np.save(tmp_path / "made.npy", x)
    with pytest.raises(LotteryError, match=r"Expected an \.npz file of arrays"):
        load(VisionData(name="arrays", path=str(tmp_path / "made.npy")))


def test_a_damaged_npz_file_is_one_line_and_objects_stay_pickled(tmp_path: Path):
    path, x = tmp_path / "made.npz", images(np.uint8, 200)
    arrays = {"x_train": x, "y_train": LABELS, "x_test": x, "y_test": LABELS}
    np.savez_compressed(path, **arrays)
    whole = path.read_bytes()
    np.savez(path, **arrays | {"y_test": LABELS.astype(object)})
    damaged = [path.read_bytes(), b""]
    damaged += [whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :] for at in range(0, 200, 5)]
    for content in damaged:
        path.write_bytes(content)
        try:
            load(VisionData(name="arrays", path=str(path)))
        except LotteryError as error:
            assert "Expected an .npz file of arrays" in str(error)
        else:
            assert content not in damaged[:2]


def idx_bytes(array: np.ndarray, kind: int = 8) -> bytes:
    header = struct.pack(f">HBB{array.ndim}I", 0, kind, array.ndim, *array.shape)
    return header + array.astype({8: ">u1", 13: ">f4"}[kind]).tobytes()


def write_idx(folder: Path, images_kind: int = 8) -> VisionData:
    """Writes MNIST's four files, two of them gzipped."""
    x, y = images(np.float32, 255).astype(int), LABELS
    for part, zipped in (("train", True), ("t10k", False)):
        for kind, array in (("images-idx3", x), ("labels-idx1", y)):
            raw = idx_bytes(array, images_kind if kind == "images-idx3" else 8)
            name = f"{part}-{kind}-ubyte" + (".gz" if zipped else "")
            (folder / name).write_bytes(gzip.compress(raw) if zipped else raw)
    (folder / "._train-images-idx3-ubyte").write_bytes(b"what macOS leaves there")
    return VisionData(name="idx", path=str(folder))


@pytest.mark.parametrize("kind", [8, 13])
def test_idx_files_are_read_gzipped_or_not(tmp_path: Path, kind):
    found = load(write_idx(tmp_path, kind))
    assert (found.shape, found.classes, found.maximum) == ((6, 7, 1), 5, 255)
    np.testing.assert_array_equal(found.train.x[..., 0], images(np.float32, 255).astype(int))
    np.testing.assert_array_equal(found.test.x, found.train.x)
    assert found.train.y.tolist() == LABELS.tolist()


@pytest.mark.parametrize(
    ("name", "raw", "words"),
    [
        ("t10k-labels-idx1-ubyte", None, "one idx file of test labels.*Received: t10k-images"),
        ("t10k-labels-idx1-ubyte", b"", "begins with the bytes of none"),
        ("t10k-labels-idx1-ubyte", b"PK\3\4", "begins with the bytes 50 4b 03 04"),
        ("t10k-labels-idx1-ubyte", b"\0\0\x08\1", "4 bytes where the header"),
        ("t10k-labels-idx1-ubyte", b"\0\0\x08\x46" + 70 * b"\0\0\0\1" + b"\1", "70 dimensions"),
        ("t10k-labels-idx1-ubyte", idx_bytes(LABELS)[:-1], r"17 bytes where.*\(10,\) asks for 18"),
        ("train-labels-idx1-ubyte.gz", b"\x1f\x8b\x08\0", "train-labels-idx1-ubyte.gz.*EOFError"),
        ("test-labels-idx1-ubyte", idx_bytes(LABELS), "Add it, or keep one"),
    ],
)
def test_an_idx_file_that_is_missing_or_cut_short_is_named(tmp_path: Path, name, raw, words):
    data = write_idx(tmp_path)
    if raw is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(LotteryError, match=words) as error:
        load(data)
    assert "\n" not in str(error.value)


def test_a_folder_of_idx_files_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(LotteryError, match=r"folder of idx files.*none there"):
        load(VisionData(name="idx", path=str(tmp_path / "none")))
