"""Supervised tasks on in-memory arrays: everything except the network and its data."""

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from numpy.typing import NDArray

from keras_lottery import masking
from keras_lottery.config import Config
from keras_lottery.config.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.protocols import Job, Progress
from keras_lottery.tasks.base import MaskedTask
from keras_lottery.tasks.recipe import recipe
from keras_lottery.training import ArrayData, Trainer, length
from keras_lottery.training.batch_norm import reestimate_batch_norm
from keras_lottery.training.data import Arrays
from keras_lottery.training.derivatives import derive
from keras_lottery.types import MaskSet, Start, Training, TrainingResult, Weights

if TYPE_CHECKING:
    from keras_lottery.training.vectorized import VectorizedTrainer

DERIVE_EXAMPLES = 2000
"""Number of training examples, drawn from the seed, over which derivatives are averaged."""

GRASP_TEMPERATURE = 200.0
GRASP_PER_CLASS = 10
"""Wang et al. 2020 (2002.07376): temperature of the logits, and examples per class."""


class NetworkTask(MaskedTask):
    """One compiled trainer per parametrization, reused for every training.

    A domain defines the data, the model and the metrics. The headline metric is the one named
    `metric` among `metrics` and `measured`, or the loss.

    Args:
        config: of an experiment.
    """

    judged_by_loss = False

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self._models: dict[str, keras.Model] = {}
        self._trainers: dict[str, Trainer] = {}
        self._vectorized_trainers: dict[str, VectorizedTrainer] = {}

    @abstractmethod
    def arrays(self) -> ArrayData:
        """Returns the arrays for training and evaluation."""

    @abstractmethod
    def loss(self) -> keras.losses.Loss:
        """Returns the training loss."""

    @abstractmethod
    def metrics(self) -> list[keras.metrics.Metric]:
        """Returns the metrics besides the loss."""

    def measured(self, model: keras.Model) -> dict[str, float]:
        """Returns further metrics of a trained model on the test set."""
        return {}

    def in_any_order(self) -> Arrays:
        """Returns training inputs and labels whose examples are independent of each other."""
        return self._data.train[:2]

    def build_unscaled(self) -> keras.Model:
        """Returns a new, plain model without input scaling."""
        return self.build()

    def steps(self, duration: str) -> int:
        order = self._data.batches(self.config.train)
        return Duration.parse(duration).steps(order.steps_per_epoch)

    def fit(self, training: Training, start: Start, progress: Progress) -> TrainingResult:
        result = self._trainer(start.parametrization).fit(
            start,
            capture_at=self._capture_at(start),
            data_seed=_data_seed(training, start),
            progress=progress,
        )
        return self._with_metrics(result)

    def why_separate(self) -> str:
        if type(self).fit is not NetworkTask.fit:
            return "has a training method of its own"
        if self.config.distribution != "none":
            return f"distributes each training over all devices ({self.config.distribution})"
        return ""

    def program_of(self, training: Training, start: Start) -> Hashable:
        shift = start.data_order_step - start.step
        depends = self._data.augment is not None or self._data.order is not None
        seed = _data_seed(training, start) if depends else None
        return start.parametrization, start.step, shift, seed

    def most_together(self, job: Job, count: int) -> int:
        training, start = job
        vectorized = self._vectorized(start.parametrization)
        return vectorized.fitting(count, _data_seed(training, start))

    def fit_many(self, jobs: Sequence[Job], progress: Sequence[Progress]) -> list[TrainingResult]:
        from keras_lottery.training.vectorized import FitArguments  # imports JAX

        tickets = [
            FitArguments(start, self._capture_at(start), _data_seed(training, start), shown)
            for (training, start), shown in zip(jobs, progress, strict=True)
        ]
        results = self._vectorized(tickets[0].start.parametrization).fit(tickets)
        return [self._with_metrics(result) for result in results]

    def evaluate(self, start: Start, split: str = "test", examples: int = 0) -> dict[str, float]:
        trainer = self._trainer(start.parametrization)
        trainer.restore(start)
        whole = split == "test" and not examples
        metrics = self._judged(
            trainer.evaluations.judge() if whole else trainer.evaluations.evaluate(split, examples)
        )
        if self.metric not in metrics:
            raise LotteryError(
                f"Expected the full test set, since this task's {self.metric} is measured only "
                f"there. Received: split={split!r}, examples={examples}. Use split='test', "
                "examples=0."
            )
        return metrics

    def evaluate_averaged(self, start: Start) -> dict[str, float]:
        trainer = self._trainer(start.parametrization)
        trainer.restore(start)
        reestimate_batch_norm(trainer.model, self._data.train[0])
        by_split = {
            split: self._judged(trainer.evaluations.evaluate(split)) for split in ("test", "train")
        }
        return {
            f"{split}_{k}": v for split, metrics in by_split.items() for k, v in metrics.items()
        }

    def derived(self, name: str, weights: Weights, masks: MaskSet, seed: int) -> Weights:
        model = self._unscaled if name == "flow" else self._model
        masking.set_weights(model, weights)
        masking.set_masks(model, masks)
        grasp = name == "hessian_gradient"
        x, y = (self._inputs(), None) if name == "flow" else self._derived_from(grasp, seed)
        batch_size = self.config.train.batch_size
        derivative = derive(
            name,
            model,
            x,
            y,
            loss=self.loss(),
            batch_size=batch_size,
            seed=seed,
            temperature=GRASP_TEMPERATURE if grasp else 1.0,
        )
        # Unused weights, such as BERT's pooler under a head for words, have no derivative.
        return {
            v.path: derivative[v.path] if v.path in derivative else np.zeros(v.shape, np.float32)
            for v in self.variables()
            if v.prunable
        }

    def _derived_from(self, grasp: bool, seed: int) -> Arrays:
        """Returns the training examples over which a derivative is averaged."""
        train = self.in_any_order()
        chosen = np.random.default_rng(seed).permutation(length(train))
        chosen = _first_of_each_class(chosen, train[1]) if grasp else chosen[:DERIVE_EXAMPLES]
        chosen = chosen[: len(chosen) // self._replicas * self._replicas]
        examples: Arrays = keras.tree.map_structure(lambda array: array[chosen], train)
        return examples

    @cached_property
    def _data(self) -> ArrayData:
        """The arrays.

        Raises:
            LotteryError: they aren't there, or have no validation data to choose the best step.
        """
        arrays = self.arrays()
        if self.config.train.value == "best" and arrays.validation is None:
            raise LotteryError(
                "Expected validation data for train.value='best'. Received: none. "
                "Hold some out (data.validation_size, data.validation), or set train.value='final'."
            )
        return arrays

    @property
    def _measures(self) -> bool:
        """Whether the task has further metrics."""
        return type(self).measured is not NetworkTask.measured

    @property
    def _replicas(self) -> int:
        """The devices that share every batch."""
        return self._distribution.replicas

    @property
    def _model(self) -> keras.Model:
        """The model whose pruned weights are 0."""
        return self._masked("zero")

    def _masked(self, parametrization: str) -> keras.Model:
        """The masked model shared by all trainings under a parametrization."""
        if parametrization not in self._models:
            self._models[parametrization] = self._mask(parametrization)
        return self._models[parametrization]

    @cached_property
    def _unscaled(self) -> keras.Model:
        return self._mask("zero", self.build_unscaled)

    def _trainer(self, parametrization: str) -> Trainer:
        """The compiled trainer of a parametrization."""
        if parametrization not in self._trainers:
            self._trainers[parametrization] = self._make_trainer(parametrization)
        return self._trainers[parametrization]

    def _vectorized(self, parametrization: str) -> "VectorizedTrainer":
        """The trainer of many networks under a parametrization."""
        from keras_lottery.training.vectorized import VectorizedTrainer  # imports JAX

        if parametrization not in self._vectorized_trainers:
            trainer = self._trainer(parametrization)
            self._vectorized_trainers[parametrization] = VectorizedTrainer(trainer)
        return self._vectorized_trainers[parametrization]

    def _capture_at(self, start: Start) -> int | None:
        """Returns the rewind point of a dense training."""
        is_dense = not start.masks and start.parametrization == "zero"
        return self.steps(self.config.rewind.to) if is_dense else None

    def _make_trainer(self, parametrization: str) -> Trainer:
        settings = recipe(self.config, parametrization)
        with self._distribution.scope():
            metrics = self.metrics()  # they create their variables
        return Trainer(
            self._masked(parametrization),
            settings.optimizer,
            settings.train,
            self._data,
            loss=self.loss(),
            metrics=metrics,
            distribution=self._distribution,
            samples=settings.samples,
            measure=self.measured if self._measures else None,
        )

    def _inputs(self) -> Any:
        return keras.tree.map_structure(
            lambda array: np.repeat(array[:1], self._replicas, axis=0), self._data.test[0]
        )

    def _judged(self, metrics: dict[str, float]) -> dict[str, float]:
        """Returns the metrics; if the loss is the headline metric, also under that name."""
        return (
            {self.metric: metrics["loss"]} | metrics if metrics and self.judged_by_loss else metrics
        )

    def _with_metrics(self, result: TrainingResult) -> TrainingResult:
        measured = (result.initial, result.final, result.best)
        initial, final, best = (self._judged(values) for values in measured)
        metrics = {"test_loss": final["loss"], "best_test_loss": best["loss"]}
        metrics |= {f"initial_{name}": value for name, value in initial.items()}
        metrics |= {k: v for k, v in final.items() if k.endswith("_sd")} | result.metrics
        others = final.keys() - {"loss", self.metric} - metrics.keys()
        metrics |= {f"test_{name}": final[name] for name in sorted(others)}
        return replace(result, metric=self.metric, final=final, best=best, metrics=metrics)


def _data_seed(training: Training, start: Start) -> int:
    """Returns the seed of the data order."""
    return training.seed if start.data_seed is None else start.data_seed


def _first_of_each_class(order: NDArray[np.int64], labels: Any) -> NDArray[np.int64]:
    """Returns the first `GRASP_PER_CLASS` examples of each class in `order`.

    If labels aren't classes (but words, say), the first `DERIVE_EXAMPLES`.
    """
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype.kind not in "iu":
        return order[:DERIVE_EXAMPLES]
    sorted_labels = labels[order]
    firsts = [np.flatnonzero(sorted_labels == c)[:GRASP_PER_CLASS] for c in np.unique(labels)]
    return order[np.sort(np.concatenate(firsts))]
