"""A run imports what its trainings use; the rest of Keras loads on first use."""

import subprocess
import sys

from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.datasets import datasets

CODE = """
import sys
from keras_lottery import cli

out = sys.argv[1]
words = ["run", "--config=quickstart", "--noreport", f"--out={out}", "--executor=sequential"]
words += ["--seeds=0,", "--config.train.length=1it", "--config.prune.rounds=1"]
assert cli.main(["keras-lottery", *words]) == 0
unused = {"pandas", "sklearn", "scipy.stats", "matplotlib", "cv2"} & sys.modules.keys()
assert not unused, unused

import keras
import numpy as np
import pandas as pd
from sklearn.base import ClassifierMixin

assert issubclass(keras.wrappers.SKLearnClassifier, ClassifierMixin)
assert callable(keras.visualization.plot_image_gallery)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, kernel_initializer="ones")])
frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]})
assert np.array_equal(model.predict(frame, verbose=0), [[4.0], [6.0]])
"""


def test_a_run_imports_no_package_that_only_other_parts_of_keras_use(tmp_path):
    datasets["digits"](VisionData(name="digits"))  # decoded, and cached for the run
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
