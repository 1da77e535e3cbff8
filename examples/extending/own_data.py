"""A tabular data set: the wines of scikit-learn, 13 measurements each, of 3 cultivars.

keras-lottery run --import=own_data.py --config=quickstart --config.name=wine \
  --config.data.name=wine --config.data.validation_size=20 --config.data.scaling=none
"""

import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from keras_lottery.tasks.vision.config import VisionData
from keras_lottery.tasks.vision.datasets import datasets
from keras_lottery.tasks.vision.images import Source, as_split


@datasets.register("wine")
def wine(data: VisionData) -> Source:
    """Returns each row as an image of 13 × 1 pixels, which `lenet` flattens again.

    Columns have different units, so they are standardized here, by the training rows alone.
    """
    x, x_test, y, y_test = train_test_split(
        *load_wine(return_X_y=True), test_size=0.25, random_state=0
    )
    scaler = StandardScaler().fit(x)
    train = as_split(scaler.transform(x)[:, :, np.newaxis], y, "wine")
    test = as_split(scaler.transform(x_test)[:, :, np.newaxis], y_test, "wine")
    return Source(train, test, classes=3, validation_size=20)
