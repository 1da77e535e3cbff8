"""Several devices give the same losses as one, and equal masks on every replica."""

import keras
import numpy as np
import pytest

from keras_lottery.backend import distribution
from keras_lottery.errors import LotteryError
from tests.devices.scripts import on_one, on_several, only_with_devices

pytestmark = pytest.mark.backend


@only_with_devices
def test_many_devices_match_one():  # their test set of 31 cannot be shared evenly
    count = {"jax": 8, "tensorflow": 4}[keras.config.backend()]  # a program for each takes long
    one, several = on_one("small_run"), on_several("small_run", count)
    assert several["replicas"] == count
    assert several["shares"] == 16 // count
    for name in ("dense", "winning", "validation", "test"):
        np.testing.assert_allclose(several[name], one[name], rtol=1e-5)
    assert several["kept"] == one["kept"]
    assert several["agree"] and several["zero"]
    before, after = one["traces"]
    assert before == after
    assert several["traces"] == [before + 1, after + 1]  # what is left over is a shape of its own
    assert "Batch norm" not in several["stderr"]


@only_with_devices
def test_a_task_with_metrics_of_its_own():
    one, several = on_one("vision_run"), on_several("vision_run")
    np.testing.assert_allclose(several["losses"], one["losses"], rtol=1e-4)
    assert 0 < several["value"] == pytest.approx(one["value"], abs=0.01)


@only_with_devices
def test_fit_and_search_in_python():
    one, several = on_one("toolkit_run"), on_several("toolkit_run")
    np.testing.assert_allclose(several["losses"], one["losses"], rtol=1e-4)
    assert several["values"] == pytest.approx(one["values"], abs=0.01)
    assert several["zero"] and several["pruned"] == one["pruned"] > 0.4
    if keras.config.backend() == "tensorflow":
        assert several["kinds"] == ["MirroredVariable"]


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="per-replica statistics")
def test_batch_norm_of_one_replica_alone_is_warned_of():
    assert "synchronized=True" in on_several("small_run", 2, "local")["stderr"]


def test_a_batch_that_cannot_be_shared_is_an_error():
    with pytest.raises(LotteryError, match="multiple of 8"):
        distribution.Distribution("mirrored", 8).check_batch(60)


def test_a_distribution_of_another_backend_is_an_error():
    wrong = "data_parallel" if keras.config.backend() == "tensorflow" else "mirrored"
    with pytest.raises(LotteryError, match="--backend="):
        distribution.make(wrong)
    with pytest.raises(LotteryError, match="Did you mean 'mirrored'"):
        distribution.make("mirored")


@pytest.mark.skipif(keras.config.backend() != "tensorflow", reason="TPUs through tf.distribute")
def test_a_tpu_that_is_not_there_is_an_error():
    with pytest.raises(LotteryError, match="--tpu="):
        distribution.make("tpu", "local")
