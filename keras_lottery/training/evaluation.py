"""Evaluating a model on the splits of its data: stochastic masks over several samples too."""

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_lottery import backend, masking
from keras_lottery.backend.distribution import Distribution
from keras_lottery.errors import LotteryError
from keras_lottery.training import checkpoint
from keras_lottery.training.data import ArrayData, fixed_order, length
from keras_lottery.training.loop import Evaluation
from keras_lottery.training.programs import Program

Evaluate = Callable[[keras.Model], dict[str, float]]


class Evaluations:
    """The evaluations of one model, each compiled once.

    Args:
        model: compiled.
        program: its compiled steps.
        data: the arrays.
        distribution: the devices of the replicas.
        samples: passes over the test set to average for stochastic masks.
        measure: returns further metrics of the trained model by name, e.g. a BLEU score.
    """

    def __init__(
        self,
        model: keras.Model,
        program: Program,
        data: ArrayData,
        distribution: Distribution,
        samples: int = 1,
        measure: Callable[[keras.Model], dict[str, float]] | None = None,
    ) -> None:
        self._model = model
        self._program = program
        self._data = data
        self._distribution = distribution
        self._samples = samples
        self._measure = measure
        self.draws = masking.draws(model)
        self.measures = measure is not None
        self._parts: dict[tuple[str, int], Evaluation] = {}
        self.test = self._evaluation(data.test)
        self.validation = self._evaluation(data.validation) if data.validation else None

    def evaluate(self, split: str = "test", examples: int = 0) -> dict[str, float]:
        """Returns the metrics of the model, averaged over samples if its masks are stochastic.

        Args:
            split: `test`, `validation`, or `train` (without augmentation).
            examples: number of examples of the split, always the same random ones; 0: all.

        Raises:
            LotteryError: the split is unknown.
        """
        evaluation = self._of(split, examples)
        if self.draws:
            return sampled(self._model, evaluation, self._samples)
        return evaluation(self._model)

    def judge(self) -> dict[str, float]:
        """Returns the test metrics and the further metrics of a trained model."""
        return self.evaluate() | self.measured()

    def measured(self) -> dict[str, float]:
        """Returns the further metrics of a trained model."""
        return self._measure(self._model) if self._measure else {}

    def evaluate_thresholded(self) -> dict[str, float]:
        """Returns the test metrics of the stripped model if masks are stochastic, else {}."""
        return thresholded(self._model, self.test) if self.draws else {}

    def is_constant(self) -> bool:
        """Returns True if the output is the same for every test example."""
        batch = self._data.evaluated or 8 * self._distribution.replicas
        with self._distribution.scope():
            return is_constant(self._model, self._data.test[0], batch)

    def validate(self) -> dict[str, float]:
        """Returns the validation metrics as `val_<name>`; empty without validation data."""
        if self.validation is None:
            return {}
        if self.draws:
            metrics = with_seeds_preserved(self._model, self.validation)
        else:
            metrics = self.validation(self._model)
        return {f"val_{k}": v for k, v in metrics.items()}

    def _of(self, split: str, examples: int) -> Evaluation:
        """Returns the evaluation of a split, or of some of its examples, compiled once."""
        data = self._data
        arrays = {"test": data.test, "validation": data.validation, "train": data.train}.get(split)
        if arrays is None:
            raise LotteryError(
                "Expected the split `test` or `train`, or `validation` if data are held out. "
                f"Received: {split!r}. Hold data out (data.validation_size)."
            )
        whole = {"test": self.test, "validation": self.validation}.get(split)
        if whole is not None and not examples:
            return whole
        if (split, examples) not in self._parts:
            part = arrays
            if 0 < examples < length(arrays):
                rows = fixed_order(length(arrays))[:examples]
                part = keras.tree.map_structure(lambda array: array[rows], arrays)
            self._parts[split, examples] = self._evaluation(part)
        return self._parts[split, examples]

    def _evaluation(self, arrays: Any) -> Evaluation:
        replicas, batch = self._distribution.replicas, self._data.evaluated
        return Evaluation(self._program, arrays, length(arrays), replicas, batch)


def with_seeds_preserved(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Evaluates a model without advancing the seeds that its training uses."""
    seeds = checkpoint.capture_seeds(model)
    metrics = evaluate(model)
    checkpoint.restore_seeds(model, seeds)
    return metrics


def sampled(model: keras.Model, evaluate: Evaluate, samples: int) -> dict[str, float]:
    """Returns the mean of each metric over passes with different samples, and `<name>_sd`.

    Deterministic for given scores: the passes use the seeds 0, 1, and so on.
    """

    def run_pass(seed: int) -> dict[str, float]:
        checkpoint.reset_seeds(model, seed)
        return evaluate(model)

    seeds = checkpoint.capture_seeds(model)
    passes = [run_pass(seed) for seed in range(samples)]
    checkpoint.restore_seeds(model, seeds)
    mean = {name: float(np.mean([p[name] for p in passes])) for name in passes[0]}
    if samples == 1:
        return mean
    sd = {f"{name}_sd": float(np.std([p[name] for p in passes], ddof=1)) for name in passes[0]}
    return mean | sd


def thresholded(model: keras.Model, evaluate: Evaluate) -> dict[str, float]:
    """Returns the metrics of the network that `strip` and `export` make of stochastic masks.

    Keys: `threshold_<metric>` of the network that keeps the weights whose probability is at least
    a half, and `mean_kept`, the fraction of the weights that a sample keeps on average.
    """
    masking.set_mode(model, "threshold")
    metrics = {f"threshold_{name}": value for name, value in evaluate(model).items()}
    masking.set_mode(model, "sample")
    scores = [keras.ops.convert_to_numpy(score.value) for score in masking.scores(model)]
    keep = np.concatenate([1 / (1 + np.exp(-s.astype(np.float64).ravel())) for s in scores])
    return metrics | {"mean_kept": float(keep.mean())}


_BATCH = 8


def is_constant(model: keras.Model, inputs: Any, batch: int = _BATCH) -> bool:
    """Returns True if a network gives exactly the same output for all inputs.

    For nearly all networks the first batch decides. Returns False for networks with stochastic
    masks or state carried between batches.

    Args:
        model: built.
        inputs: nested arrays with first axes of equal length.
        batch: examples per batch.
    """
    examples = length(inputs)
    if examples < batch or masking.draws(model) or masking.carried(model):
        return False
    first: list[Any] | None = None
    for at in range(0, examples, batch):
        start = min(at, examples - batch)  # all batches have the same shape
        part = keras.tree.map_structure(lambda a, start=start: a[start : start + batch], inputs)
        outputs = _outputs(model, part)
        first = [leaf[:1] for leaf in outputs] if first is None else first
        if any((leaf != expected).any() for leaf, expected in zip(outputs, first, strict=True)):
            return False
    # Last, since it reads all inputs: equal ones say nothing about the network.
    return not all(_equal(np.asarray(leaf)) for leaf in keras.tree.flatten(inputs))


def _equal(rows: Any) -> bool:
    return not (rows != rows[:1]).any()


def _outputs(model: keras.Model, inputs: Any) -> list[Any]:
    if backend.name() == "jax":  # one compiled call instead of compiling op by op
        with warnings.catch_warnings():
            # On several devices Keras warns about metrics on one; prediction doesn't read them.
            warnings.filterwarnings("ignore", "Detected a mix of local")
            outputs = model.predict_on_batch(inputs)
    else:
        outputs = model(keras.tree.map_structure(np.asarray, inputs), training=False)
    return [keras.ops.convert_to_numpy(leaf) for leaf in keras.tree.flatten(outputs)]
