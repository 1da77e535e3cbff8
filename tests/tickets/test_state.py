"""Arrays in a file: equal bytes for equal arrays, whole or refused."""

import ml_dtypes
import numpy as np
import pytest

from keras_lottery.errors import LotteryError
from keras_lottery.tickets import load_metadata, load_state, save_state

ARRAYS = {
    "weights/dense/kernel": np.arange(6, dtype=np.float32).reshape(2, 3),
    "weights/half": np.array([1.5, -0.0, np.inf], ml_dtypes.bfloat16),
    "optimizer/0/iterations": np.array(7, np.int64),
    "seeds/dropout": np.array([1, 2**32 - 1], np.uint32),
    "flags": np.array([[True], [False]]),
    "empty": np.zeros((0, 4), np.float16),
    "double": np.array(np.pi),
}


def test_round_trip_keeps_bits_types_and_shapes(tmp_path):
    save_state(tmp_path / "new" / "state.safetensors", ARRAYS, {"step": 7})
    loaded = load_state(tmp_path / "new" / "state.safetensors")
    assert loaded.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (loaded[name].dtype, loaded[name].shape) == (array.dtype, array.shape)
        assert loaded[name].tobytes() == array.tobytes()
    assert load_metadata(tmp_path / "new" / "state.safetensors") == {"step": 7}


def test_loaded_arrays_can_be_written_to(tmp_path):
    save_state(tmp_path / "s", ARRAYS)
    load_state(tmp_path / "s")["weights/dense/kernel"][0, 0] = 1


def test_views_orders_and_scalars_are_stored_by_value(tmp_path):
    arrays = {
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "strided": np.arange(10)[::3],
        "big": np.arange(3, dtype=">i4"),
        "number": np.float32(0.5),
    }
    save_state(tmp_path / "s", arrays)
    loaded = load_state(tmp_path / "s")
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)
    assert loaded["number"].shape == ()


def test_a_type_that_could_not_be_read_again_is_an_error(tmp_path):
    for dtype in (ml_dtypes.float8_e4m3fn, np.longdouble, object):
        with pytest.raises(LotteryError, match="Expected 'w' to be of one of the types bool, int8"):
            save_state(tmp_path / "state", {"w": np.ones(2, dtype)})
    assert not list(tmp_path.iterdir())


def test_equal_arrays_give_equal_bytes(tmp_path):
    save_state(tmp_path / "a", ARRAYS, {"b": 1, "a": [2]})
    save_state(tmp_path / "b", dict(reversed(ARRAYS.items())), {"a": [2], "b": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_nothing_but_the_file_is_left(tmp_path):
    save_state(tmp_path / "s", ARRAYS)
    with pytest.raises(LotteryError, match="JSON"):
        save_state(tmp_path / "t", ARRAYS, {"model": object()})
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize("length", [0, 4, 60, -1])
def test_a_truncated_file_is_refused_in_one_line(tmp_path, length):
    save_state(tmp_path / "s", ARRAYS)
    (tmp_path / "s").write_bytes((tmp_path / "s").read_bytes()[:length])
    for load in (load_state, load_metadata):
        with pytest.raises(LotteryError, match="truncated") as caught:
            load(tmp_path / "s")
        assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "s").write_bytes(b"PK\x03\x04" * 100)
    with pytest.raises(LotteryError, match="Received"):
        load_state(tmp_path / "s")
    with pytest.raises(LotteryError, match="no such file"):
        load_state(tmp_path / "absent")
    with pytest.raises(LotteryError, match="Received"):
        load_state(tmp_path)


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LotteryError, match="folder that can be written to"):
        save_state(tmp_path / "file" / "s", ARRAYS)
