"""Data sets: sizes, splits, options, and errors for missing files."""

import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from keras_lottery.config import freeze
from keras_lottery.errors import LotteryError, MissingExtraError
from keras_lottery.tasks.tfds import prepared_builder
from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.data import load, prepare
from keras_lottery.tasks.vision.datasets import datasets, tfds
from keras_lottery.tasks.vision.datasets.arrays import from_arrays
from keras_lottery.tasks.vision.datasets.tfds import half
from keras_lottery.tasks.vision.images import Split, as_split
from keras_lottery.tasks.vision.labels import stratified_order


def numbered(per_class: int, classes: int = 10) -> Split:
    """Images whose first two pixels spell their number, so that one can be told from another."""
    count = per_class * classes
    x = np.zeros((count, 4, 4, 1), np.uint8)
    x[:, 0, 0, 0], x[:, 0, 1, 0] = np.arange(count) % 256, np.arange(count) // 256
    return Split(x, (np.arange(count) % classes).astype(np.int32))


def numbers(split: Split) -> set[int]:
    return set((split.x[:, 0, 0, 0] + 256 * split.x[:, 0, 1, 0].astype(int)).tolist())


def source(per_class: int = 50, test: int = 10):
    train, other = numbered(per_class), numbered(test)
    return from_arrays(train.x, train.y, other.x, other.y)


def test_digits_are_split_the_same_every_time():
    first, second = load(VisionData()), load(VisionData())
    assert (len(first.train), len(first.validation), len(first.test)) == (1200, 200, 397)
    assert first.train.x.dtype == np.uint8
    assert first.train.x.max() == first.maximum == 16
    assert first.shape == (8, 8, 1)
    assert np.bincount(first.test.y).min() >= 38
    np.testing.assert_array_equal(first.train.x, second.train.x)


def test_validation_images_are_held_out_of_training():
    images = prepare(source(), VisionData(validation_size=100))
    assert numbers(images.train) | numbers(images.validation) == set(range(500))
    assert not numbers(images.train) & numbers(images.validation)
    assert set(np.bincount(images.validation.y)) == {10}


def test_another_split_seed_holds_other_images_out():
    one, other = (
        prepare(source(), VisionData(validation_size=100, split_seed=seed)) for seed in (0, 1)
    )
    assert numbers(one.validation) != numbers(other.validation)


def test_every_prefix_of_the_order_keeps_the_shares():
    labels = np.repeat([0, 1, 2], [60, 30, 10]).astype(np.int32)
    order = stratified_order(labels, seed=3)
    assert sorted(order) == list(range(100))
    for size in (10, 50, 90):
        counts = np.bincount(labels[order[:size]], minlength=3)
        assert np.abs(counts - size * np.array([0.6, 0.3, 0.1])).max() <= 1


def test_the_halves_share_no_image_and_have_equal_classes():
    every = numbered(50)
    a, b = half(every, 0), half(every, 1)
    assert len(a) == len(b) == 250
    assert not numbers(a) & numbers(b)
    assert set(np.bincount(a.y)) == set(np.bincount(b.y)) == {25}


def test_options_choose_classes_size_and_channels():
    images = prepare(
        source(),
        VisionData(classes=(3, 5), train_size=40, validation_size=20, channels=3, resize=8),
    )
    assert images.train.x.shape == (40, 8, 8, 3)
    assert images.classes == 2
    assert np.bincount(images.train.y).tolist() == [20, 20]
    assert len(images.test) == 20


def test_classes_are_renumbered_in_the_order_given():
    images = prepare(source(), VisionData(classes=(5, 3)))
    old = {n % 10 for n in numbers(images.train.take(np.flatnonzero(images.train.y == 0)))}
    assert old == {5}


@pytest.mark.parametrize(
    "options, words",
    [
        ({"validation_size": 500}, "training images"),
        ({"train_size": 501}, "training images"),
        ({"classes": (3, 10)}, "data.classes from 0 to 9"),
    ],
)
def test_more_than_there_is_cannot_be_asked_for(options, words):
    with pytest.raises(LotteryError, match=words):
        prepare(source(), VisionData(**options))


def test_arrays_come_from_a_file(tmp_path: Path):
    every = source()
    np.savez(
        tmp_path / "made.npz",
        x_train=every.train.x[..., 0] / 255.0,
        y_train=every.train.y,
        x_test=every.test.x[..., 0] / 255.0,
        y_test=every.test.y[:, None],
    )
    images = load(VisionData(name="arrays", dir=str(tmp_path), path="made.npz"))
    assert images.train.x.dtype == np.float32
    assert images.maximum == 1.0
    assert images.validation is None
    assert (len(images.train), len(images.test)) == (500, 100)


def test_arrays_that_do_not_fit_are_named(tmp_path: Path):
    data = VisionData(name="arrays", path=str(tmp_path / "made.npz"))
    with pytest.raises(LotteryError, match="none there"):
        load(data)
    (tmp_path / "made.npz").write_bytes(b"no archive")
    with pytest.raises(LotteryError, match=r"Expected an \.npz file"):
        load(data)
    np.savez(tmp_path / "made.npz", x_train=np.zeros((2, 4, 4)))
    with pytest.raises(LotteryError, match="Add y_train, x_test, y_test"):
        load(data)
    x, y = np.zeros((2, 4, 4), np.uint8), np.zeros(3, int)
    with pytest.raises(LotteryError, match="Expected 2 training labels"):
        from_arrays(x, y, x, y)
    with pytest.raises(LotteryError, match="Expected training images of shape"):
        from_arrays(x[0], y, x, y)
    with pytest.raises(LotteryError, match="test images like the training images"):
        from_arrays(x, y[:2], x[:, :3], y[:2])


def picture_folder(root: Path, sizes: tuple[int, ...] = (6, 6)) -> Path:
    for part in ("train", "test"):
        for number, name in enumerate(("cat", "dog")):
            (root / part / name).mkdir(parents=True)
            for count, size in enumerate(sizes):
                pixels = np.full((size, size), 100 * number + count, np.uint8)
                Image.fromarray(pixels).save(root / part / name / f"{count}.png")
    return root


def test_a_folder_has_one_sub_folder_a_class(tmp_path: Path):
    picture_folder(tmp_path)
    images = load(VisionData(name="folder", path=str(tmp_path)))
    assert images.train.x.shape == (4, 6, 6, 1)
    assert images.train.y.tolist() == [0, 0, 1, 1]
    assert images.train.x[:, 0, 0, 0].tolist() == [0, 1, 100, 101]


def test_a_folder_of_unequal_images_is_resized(tmp_path: Path):
    picture_folder(tmp_path, (6, 9))
    data = VisionData(name="folder", path=str(tmp_path))
    with pytest.raises(LotteryError, match=r"one size.*2 sizes.*data\.resize"):
        load(data)
    images = load(VisionData(name="folder", path=str(tmp_path), resize=5))
    assert images.train.x.shape == (4, 5, 5, 1)


def test_a_folder_that_does_not_fit_is_named(tmp_path: Path):
    data = VisionData(name="folder", path=str(tmp_path))
    with pytest.raises(LotteryError, match="sub-folders train and test"):
        load(data)
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
    with pytest.raises(LotteryError, match=r"Expected images.*Received: none"):
        load(data)
    picture_folder(tmp_path / "full")
    (tmp_path / "full/test/cow").mkdir()
    with pytest.raises(LotteryError, match="Received: cow"):
        load(VisionData(name="folder", path=str(tmp_path / "full")))
    (tmp_path / "full/test/cow").rmdir()
    (tmp_path / "full/train/cat/0.png").write_bytes(b"no image")
    with pytest.raises(LotteryError, match="Expected an image at"):
        load(VisionData(name="folder", path=str(tmp_path / "full")))


def test_a_data_set_that_is_not_prepared_is_named_and_not_fetched(tmp_path: Path):
    with pytest.raises(LotteryError, match=r"not there.*data\.download=True"):
        load(VisionData(name="mnist", dir=str(tmp_path / "none")))
    with pytest.raises(LotteryError, match=r"'mnist'.*an empty folder"):
        load(VisionData(name="mnist", dir=str(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_an_error_that_names_the_extra(tmp_path: Path, monkeypatch):
    (tmp_path / "mnist/3.0.1").mkdir(parents=True)
    (tmp_path / "mnist/3.0.1/dataset_info.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(MissingExtraError, match=r"\.\[data\]"):
        load(VisionData(name="mnist", dir=str(tmp_path)))


def store(root: Path, name: str, **splits: Split) -> None:
    """Writes a data set in the form in which tensorflow-datasets keeps what it has prepared."""
    tf = pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")
    tfds.dataset_builders.store_as_tfds_dataset(
        name=name,
        version="3.0.2",
        features=tfds.features.FeaturesDict(
            {
                "image": tfds.features.Image(shape=(4, 4, 1)),
                "label": tfds.features.ClassLabel(num_classes=10),
            }
        ),
        split_datasets={
            part: tf.data.Dataset.from_tensor_slices({"image": split.x, "label": split.y})
            for part, split in splits.items()
        },
        data_dir=root,
        disable_shuffling=True,
    )


@pytest.mark.filterwarnings("ignore")
def test_prepared_data_sets_are_read(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # tensorflow-datasets leaves some there
    store(tmp_path, "cifar10", train=numbered(50), test=numbered(10))
    whole = load(VisionData(name="cifar10", dir=str(tmp_path), validation_size=100))
    assert (len(whole.train), len(whole.validation), len(whole.test)) == (400, 100, 100)
    assert numbers(whole.train) | numbers(whole.validation) == set(range(500))
    assert whole.classes == 10
    a, b = (load(VisionData(name=f"cifar10{h}", dir=str(tmp_path))) for h in "ab")
    assert not numbers(a.train) & numbers(b.train)
    assert set(np.bincount(a.train.y)) == set(np.bincount(b.train.y)) == {25}
    np.testing.assert_array_equal(a.test.x, b.test.x)
    assert a.validation is None


@pytest.mark.filterwarnings("ignore")
def test_a_prepared_data_set_without_its_test_split_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store(tmp_path, "mnist", train=numbered(5))
    with pytest.raises(LotteryError, match="Expected the split 'test' of mnist"):
        load(VisionData(name="mnist", dir=str(tmp_path)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spoiled", ["mnist-train", "dataset_info.json", "features.json"])
def test_a_damaged_data_set_is_named(tmp_path: Path, monkeypatch, spoiled):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    store(tmp_path, "mnist", train=numbered(5), test=numbered(1))
    (file,) = (tmp_path / "mnist/3.0.2").glob(f"{spoiled}*")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(LotteryError, match=r"a whole data set in .*mnist/3\.0\.2.*again") as error:
        load(VisionData(name="mnist", dir=str(tmp_path), validation_size=0))
    assert "\n" not in str(error.value)


def test_a_data_set_that_cannot_be_downloaded_is_named(tmp_path: Path, monkeypatch):
    def builder(name: str, data_dir: Path):
        raise OSError("no route to host")

    monkeypatch.setattr(
        "keras_lottery.tasks.tfds._tensorflow_datasets", lambda: SimpleNamespace(builder=builder)
    )
    with pytest.raises(LotteryError, match=r"'mnist' to be downloaded.*no route to host.*network"):
        load(VisionData(name="mnist", dir=str(tmp_path), download=True))


@pytest.mark.parametrize("name", ["/etc", "a**b", "", "../mnist", "glue/..", "a/b/c/d", "a\nb"])
def test_names_that_no_data_set_has(tmp_path: Path, name):
    with pytest.raises(LotteryError, match=r"name of a data set of tensorflow-datasets"):
        prepared_builder(name, str(tmp_path))


@pytest.mark.parametrize("name", ["mnist", "arrays", "folder", "idx"])
def test_a_home_folder_of_nobody_is_named(name):
    with pytest.raises(LotteryError, match="home folder of a known user"):
        load(VisionData(name=name, dir="~nobody-here", path="x" if name != "mnist" else ""))


def test_prepared_images_that_differ_in_size_need_one(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", SimpleNamespace())  # reads nothing
    features = {"image": SimpleNamespace(shape=(None, None, 3))}
    info = SimpleNamespace(features=features, splits={"train": SimpleNamespace(num_examples=1)})
    with pytest.raises(LotteryError, match=r"data\.resize for imagenet2012, whose images differ"):
        tfds._read(SimpleNamespace(name="imagenet2012", info=info), "train", 0)


def test_images_are_bytes_or_floats():
    with pytest.raises(LotteryError, match=r"as uint8 or floats\. Received: int64"):
        as_split(np.zeros((2, 4, 4), np.int64), np.zeros(2, np.int32), "training")


@pytest.mark.parametrize(
    "section, words",
    [
        ({"name": "minst"}, "data.name.*Did you mean 'mnist'"),
        ({"name": "folder"}, "data.path"),
        ({"scaling": "unti"}, "data.scaling"),
        ({"augment": "flip"}, "data.augment"),
        ({"channels": 2}, "data.channels"),
        ({"resize": -1}, "data.resize"),
        ({"classes": [1]}, "data.classes"),
        ({"validation_size": -2}, "data.validation_size"),
        ({"nam": "mnist"}, "data.nam"),
    ],
)
def test_a_bad_data_section_is_one_line(section, words):
    with pytest.raises(LotteryError, match=words) as error:
        freeze({"name": "x", "task": "vision", "data": section})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "section, words",
    [
        ({"name": "resnet-20"}, "model.name.*Did you mean 'resnet20'"),
        ({"hidden": []}, "model.hidden"),
        ({"dropout": 0.5}, "model.dropout"),
        ({"name": "conv2", "dropout": 1.0}, "model.dropout"),
    ],
)
def test_a_bad_model_section_is_one_line(section, words):
    with pytest.raises(LotteryError, match=words) as error:
        freeze({"name": "x", "task": "vision", "model": section})
    assert "\n" not in str(error.value)


def test_known_data_sets():
    assert list(datasets) == [
        "arrays", "cifar10", "cifar100", "cifar10a", "cifar10b", "digits", "fashion_mnist",
        "folder", "idx", "imagenet2012", "mnist", "places365_small", "svhn_cropped",
    ]  # fmt: skip
