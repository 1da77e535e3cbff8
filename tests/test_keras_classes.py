"""Importing the package loads no backend, and Keras still loads files with its classes."""

import importlib
import pkgutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_lottery as kl
from keras_lottery import keras_classes

_LOAD = {
    "before": "import keras_lottery\nimport keras",
    "after": "import keras\nimport keras_lottery",
    "looked for": "import keras_lottery\nfrom importlib.util import find_spec\n"
    "assert find_spec('keras')\nimport keras",
    "from within": "import keras_lottery.backend\nimport keras",
}
_ANSWER = """
import sys
import numpy as np
model = keras.saving.load_model(sys.argv[1])
np.save(sys.argv[2], keras.ops.convert_to_numpy(model(np.ones((2, 3), "float32"))))
"""


def python(code, *arguments):
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("imports", ["keras_lottery", "keras_lottery.report", "keras_lottery.cli"])
def test_an_import_loads_no_backend(imports):
    heavy = "print(*sorted({'keras', 'tensorflow', 'jax', 'torch'} & sys.modules.keys()))"
    assert python(f"import sys\nimport {imports}\n{heavy}").split() == []


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A file with a masked model, a layer wrapped by hand among its layers, and its answer."""
    layers = [keras.Input((3,)), kl.Masked(keras.layers.Dense(4)), keras.layers.Dense(2)]
    model = kl.mask(keras.Sequential(layers))
    kl.prune(model, 0.5)
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    model.save(path)
    return path, keras.ops.convert_to_numpy(model(np.ones((2, 3), "float32")))


@pytest.mark.parametrize("order", _LOAD)
def test_a_fresh_process_loads_a_masked_model(saved, tmp_path, order):
    path, expected = saved
    python(_LOAD[order] + _ANSWER, path, tmp_path / "answer.npy")
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), expected, rtol=1e-5, atol=1e-6)


def test_every_registered_class_is_listed():
    for home in set(keras_classes.MODULES.values()):
        importlib.import_module(f"keras_lottery.{home}")
    sources = (m for m in pkgutil.walk_packages(kl.__path__, "keras_lottery.") if not m.ispkg)
    text = "".join(importlib.util.find_spec(m.name).loader.get_source(m.name) for m in sources)
    assert text.count("@keras.saving.register_keras_serializable(") == len(keras_classes.MODULES)
    known = keras.saving.get_custom_objects()
    for name, home in keras_classes.MODULES.items():
        cls = known[f"keras_lottery>{name}"]
        assert cls.__module__ == f"keras_lottery.{home}" and hasattr(cls, "get_config")
