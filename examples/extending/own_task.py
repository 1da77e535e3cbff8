"""A task: regression on scikit-learn's diabetes data, with a mean absolute error to minimize.

keras-lottery run --import=own_task.py --config=quickstart --config.name=diabetes \
  --config.task=diabetes
"""

from dataclasses import dataclass
from typing import Annotated

import keras
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split

from keras_lottery.config import TaskSchema, task_schemas
from keras_lottery.config.fields import Filled, Positive
from keras_lottery.tasks.supervised import NetworkTask
from keras_lottery.training import ArrayData


@dataclass(frozen=True)
class DiabetesData:
    """The rows; `--config.data.held_out=100` changes a field like any other."""

    held_out: Positive = 80  # rows for validation, and as many for the test


@dataclass(frozen=True)
class DiabetesModel:
    """The widths of the hidden layers."""

    hidden: Annotated[tuple[Positive, ...], Filled()] = (64, 32)


class DiabetesTask(NetworkTask):
    """The base class trains, evaluates, rewinds and exports; this one has data and network."""

    name, metric, higher_is_better = "diabetes", "mean_absolute_error", False

    def arrays(self) -> ArrayData:
        x, y = load_diabetes(return_X_y=True, scaled=True)
        x, y = x.astype("float32") * 20, y.astype("float32")[:, None] / 100
        size = self.config.data.held_out
        x, x_test, y, y_test = train_test_split(x, y, test_size=size, random_state=0)
        x, x_valid, y, y_valid = train_test_split(x, y, test_size=size, random_state=0)
        return ArrayData(train=(x, y), validation=(x_valid, y_valid), test=(x_test, y_test))

    def build(self) -> keras.Model:
        hidden = [keras.layers.Dense(n, "relu") for n in self.config.model.hidden]
        return keras.Sequential([keras.Input((10,)), *hidden, keras.layers.Dense(1)])

    def loss(self) -> keras.losses.Loss:
        return keras.losses.MeanSquaredError()

    def metrics(self) -> list[keras.metrics.Metric]:
        return [keras.metrics.MeanAbsoluteError(name=self.metric)]


task_schemas.add("diabetes", TaskSchema(DiabetesData, DiabetesModel, "own_task:DiabetesTask"))
