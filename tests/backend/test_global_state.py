"""A run, its report, its export, a search and a fit leave the process as it was."""

import logging
import os
import random
import sys
import warnings

import h5py  # noqa: F401  sets variables of its own, as TensorFlow does
import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_lottery as kl
from keras_lottery import backend, engine, report
from keras_lottery.backend.global_state import preserved
from keras_lottery.exporters import export_run
from tests.engine.small import config

pytestmark = pytest.mark.backend


def snapshot():
    """Everything global that a user of the process would notice."""
    state = {
        "distribution": keras.distribution.distribution(),
        "dtype policy": keras.config.dtype_policy().name,
        "floatx": keras.config.floatx(),
        "epsilon": keras.config.epsilon(),
        "image data format": keras.config.image_data_format(),
        "random": random.getstate(),
        "numpy": str(np.random.get_state()),
        "numpy errors": np.geterr(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "folder": os.getcwd(),
        "warnings": list(warnings.filters),
        "level": logging.getLogger().level,
        "hooks": (sys.excepthook, sys.stdout, sys.stderr),
    }
    if backend.name() == "torch":
        import torch

        state |= {
            "torch": torch.get_rng_state().tolist(),
            "gradients": torch.is_grad_enabled(),
            "default type": torch.get_default_dtype(),
            "threads": torch.get_num_threads(),
            "deterministic": torch.are_deterministic_algorithms_enabled(),
        }
    if backend.name() == "jax":
        import jax

        state["jax"] = dict(jax.config.values)
    if backend.name() == "tensorflow":
        state |= {
            "devices": tf.config.get_visible_devices(),
            "eager": tf.config.functions_run_eagerly(),
            "jit": tf.config.optimizer.get_jit(),
            "options": tf.config.optimizer.get_experimental_options(),
            "strategy": tf.distribute.has_strategy(),
        }
    return state


def changed(before):
    after = snapshot()
    return [name for name in before if before[name] != after[name]]


def compiled():
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10), keras.layers.Softmax()])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_a_run_its_report_and_its_export_leave_nothing_changed(tmp_path):
    distribution = "data_parallel" if backend.name() == "jax" else "none"
    fields = {"train.dtype_policy": "mixed_bfloat16", "keep_trained": ["dense"]}
    fields |= {"prune.rounds": 1, "arms": ["winning"], "distribution": distribution}
    before = snapshot()
    run = engine.run(config(tmp_path, **fields))
    assert not changed(before)
    report.build(run, tensorboard=False)
    assert not changed(before)
    export_run(run, tmp_path / "model.keras", "keras", round=0)
    assert not changed(before)


def test_a_search_and_a_fit_leave_nothing_changed():
    model, plain = compiled(), compiled()
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 64)).astype("float32"), rng.integers(0, 10, 40)
    before = snapshot()
    masked = kl.mask(model)
    assert not changed(before)
    kl.fit(masked, x, y, epochs=1, verbose=0)
    assert not changed(before)
    kl.strip(kl.mask(plain, in_place=False))
    assert not changed(before)
    kl.TicketSearch(rounds=1, arms=("winning", "reinit"), verbose=False).fit(plain, x, y)
    assert not changed(before)


def test_state_is_put_back_where_the_work_fails():
    before = snapshot()
    with pytest.raises(KeyError), preserved():
        random.random()
        np.random.rand()
        keras.config.set_dtype_policy("float16")
        os.environ["TF_USE_LEGACY_KERAS"] = "2"
        if backend.name() == "torch":
            import torch

            torch.manual_seed(5)
        raise KeyError
    assert not changed(before)
