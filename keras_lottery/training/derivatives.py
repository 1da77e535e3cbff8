"""Derivatives of a model's loss by path, for criteria that need more than the weights."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import tree
from numpy.typing import NDArray

from keras_lottery.backend.differentiate import gradient_of, hessian_vector_of
from keras_lottery.errors import DivergedError, LotteryError
from keras_lottery.masking import keras_internals as internals
from keras_lottery.masking import paths
from keras_lottery.masking.learned import is_learned
from keras_lottery.registry import Registry
from keras_lottery.training.checks import check_labels
from keras_lottery.training.data import length
from keras_lottery.types import MaskSet, Weights

__all__ = ["PROBES", "derive", "quantities"]

Loss = Callable[[Any, Any], Any]
"""`(y, outputs) -> scalar`, the mean over the examples of a batch."""

Arrays = list[NDArray[Any]]
Batch = tuple[Any, ...]
"""`(x, y)` or `(x, y, sample_weight)`."""

PROBES = 100
"""Random vectors per batch that the estimate of the Hessian's diagonal averages over."""


@dataclass(frozen=True)
class Subject:
    """The model and the examples of a quantity.

    Args:
        model: built.
        loss: loss of the outputs; None: the compiled loss, including losses that layers add.
        x: inputs, an array `(examples, ...)` or a structure of arrays.
        y: targets, likewise.
        batch_size: examples per batch.
        seed: seed of random probes.
        kept: mask of each trainable variable, or True.
        temperature: divides the outputs before the loss.
        sample_weight: weights of the examples under the compiled loss, or None.
    """

    model: keras.Model
    loss: Loss | None
    x: Any
    y: Any
    batch_size: int
    seed: int
    kept: Sequence[Any]
    temperature: float = 1.0
    sample_weight: Any = None

    @property
    def examples(self) -> int:
        """Number of examples."""
        return len(tree.flatten(self.x)[0])

    def values(self) -> list[Any]:
        """Returns the trained values, 0 where pruned."""
        variables = self.model.trainable_variables
        pairs = zip(variables, self.kept, strict=True)
        return [
            v.value
            if kept is True
            else keras.ops.where(kept, v.value, keras.ops.zeros((), v.dtype))
            for v, kept in pairs
        ]

    def only_kept(self, arrays: Arrays) -> Arrays:
        """Returns the arrays, 0 where pruned."""
        return [np.where(kept, a, 0).astype(a.dtype) for a, kept in zip(arrays, self.kept)]

    def batches(self) -> Iterator[tuple[int, Batch]]:
        """Yields the size and the inputs, targets and weights, if any, of each batch."""
        weights = () if self.sample_weight is None else (self.sample_weight,)
        for at in range(0, self.examples, self.batch_size):
            batch = tuple(_rows(part, at, self.batch_size) for part in (self.x, self.y, *weights))
            yield min(self.batch_size, self.examples - at), batch

    def loss_at(self, values: Sequence[Any], x: Any, y: Any, sample_weight: Any = None) -> Any:
        """Returns the loss of a batch in training mode, discarding updates of the model."""
        mapping = list(zip(self.model.trainable_variables, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True):
            outputs = self.model(x, training=True)
            if self.loss is not None:
                return self.loss(y, self._cooled(outputs))
            return self.model.compute_loss(
                x=x, y=y, y_pred=outputs, sample_weight=sample_weight, training=True
            )

    def _cooled(self, outputs: Any) -> Any:
        if self.temperature == 1:
            return outputs
        return tree.map_structure(lambda output: output / self.temperature, outputs)


Quantity = Callable[[Subject], Arrays]
"""Returns one array for each trainable variable."""

quantities: Registry[Quantity] = Registry("quantity")


def derive(
    name: str,
    model: keras.Model,
    x: Any,
    y: Any,
    *,
    masks: MaskSet | None = None,
    loss: Loss | None = None,
    batch_size: int = 128,
    seed: int = 0,
    temperature: float = 1.0,
    sample_weight: Any = None,
) -> Weights:
    """Returns a quantity of a model's loss at its weights, by path; 0 where pruned.

    The model runs in training mode, but its batch-norm statistics, seeds and metrics don't change.

    Args:
        name: `gradient`, `hessian_gradient`, `hessian_diagonal` or `flow`.
        model: built; compiled unless `loss` is passed.
        x: inputs, an array `(examples, ...)` or a structure of arrays; `flow` only uses the shape.
        y: targets, likewise; None for `flow`.
        masks: further masks by path, in addition to the model's.
        loss: `(y, outputs) -> scalar`, the mean over a batch; None: the compiled loss.
        batch_size: examples per batch, also for batch norm.
        seed: seed of the probes of `hessian_diagonal`.
        temperature: divides the outputs, which should be logits, before `loss`.
        sample_weight: weights of the examples under the compiled loss.

    Raises:
        LotteryError: the name is unknown, the model has no loss, there are no examples, arrays
            differ in length, or a label is out of range.
        DivergedError: the result is not finite.
    """
    quantity = quantities[name]
    if loss is None and not getattr(model, "compiled", False):
        raise LotteryError(
            f"Expected a compiled model; its loss is needed for the {name}. "
            f"Received: {model.name!r}, which isn't compiled. Call compile(loss=...) first."
        )
    if is_learned(model):
        raise LotteryError(
            f"Expected a model that trains its weights, for the {name} of each. Received: "
            f"{model.name!r}, whose masks are learned. Mask a plain copy, kl.mask(kl.strip(model))."
        )
    if len(tree.flatten(x)[0]) == 0:
        raise LotteryError("Expected data=(x, y) with examples. Received: none. Pass some.")
    if y is not None:
        length((x, y, sample_weight))
        if loss is None:
            check_labels(model, x, y, sample_weight)
    internals.sync_trainer(model)
    by_variable = {id(v): p for p, v in paths.variables(model).items()}
    names = [by_variable[id(v)] for v in model.trainable_variables]
    kept = [(masks or {}).get(path, True) for path in names]
    subject = Subject(model, loss, x, y, batch_size, seed, kept, temperature, sample_weight)
    derivative = dict(zip(names, subject.only_kept(quantity(subject)), strict=True))
    _check_finite(name, derivative)
    return derivative


@quantities.register("gradient")
def gradient(subject: Subject) -> Arrays:
    """g = ∂L/∂w, the mean over all examples."""
    differentiate = gradient_of(subject.loss_at, repeated=subject.examples > subject.batch_size)
    return _mean(subject, lambda *batch: differentiate(subject.values(), *batch))


@quantities.register("hessian_gradient")
def hessian_gradient(subject: Subject) -> Arrays:
    """H g with H = ∂²L/∂w², both means over all examples.

    Reference: Wang et al. 2020 (2002.07376), who divide the logits by a temperature of 200.
    """
    vector = _tensors(subject.only_kept(gradient(subject)))
    product = hessian_vector_of(subject.loss_at)
    return _mean(subject, lambda *batch: product(subject.values(), vector, *batch))


@quantities.register("hessian_diagonal")
def hessian_diagonal(subject: Subject) -> Arrays:
    """diag(H), estimated as the mean of z ⊙ (H z) over random signs z.

    Each batch uses new probes, which averages the noise over batches too.

    Reference: Hutchinson 1990; Bekas et al. 2007, "An estimator for the diagonal of a matrix".
    """
    rng = np.random.default_rng(subject.seed)
    product = hessian_vector_of(subject.loss_at)
    shapes = [tuple(v.shape) for v in subject.model.trainable_variables]

    def of_batch(*batch: Any) -> Arrays:
        total = [np.zeros(shape) for shape in shapes]
        for _ in range(PROBES):
            signs = subject.only_kept([_signs(rng, shape) for shape in shapes])
            products = product(subject.values(), _tensors(signs), *batch)
            total = [t + z * _numpy(h) for t, z, h in zip(total, signs, products, strict=True)]
        return [t / PROBES for t in total]

    return _mean(subject, of_batch)


@quantities.register("flow")
def flow(subject: Subject) -> Arrays:
    """∂R/∂|w| of the synaptic flow R = 1ᵀ f(1; |w|), the sum of the outputs for inputs of 1.

    All variables are replaced by their absolute values. Batch norm runs in inference mode with
    moving means of 0, so all flow is positive. The data don't matter.

    Reference: Tanaka et al. 2020, arXiv 2006.05467, equation 2.
    """
    model, ops = subject.model, keras.ops
    ones = tree.map_structure(lambda a: np.ones_like(np.asarray(a[:1])), subject.x)
    fixed = [(v, _positive(v)) for v in model.non_trainable_variables if _is_float(v)]

    def total(values: Sequence[Any]) -> Any:
        mapping = [*zip(model.trainable_variables, values, strict=True), *fixed]
        with keras.StatelessScope(state_mapping=mapping):
            outputs = model(tree.map_structure(ops.convert_to_tensor, ones), training=False)
            return sum(ops.sum(ops.cast(part, "float32")) for part in tree.flatten(outputs))

    return [_numpy(g) for g in gradient_of(total)([ops.abs(v) for v in subject.values()])]


def _mean(subject: Subject, of_batch: Callable[..., Sequence[Any]]) -> Arrays:
    """Returns the mean of `of_batch` over all examples."""
    shapes = [tuple(v.shape) for v in subject.model.trainable_variables]
    total = [np.zeros(shape, np.float64) for shape in shapes]
    for size, batch in subject.batches():
        total = [t + _numpy(g) * size for t, g in zip(total, of_batch(*batch), strict=True)]
    return [(t / subject.examples).astype(np.float32) for t in total]


def _rows(data: Any, at: int, size: int) -> Any:
    return tree.map_structure(lambda a: keras.ops.convert_to_tensor(a[at : at + size]), data)


def _signs(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    return rng.integers(0, 2, shape).astype(np.float32) * 2 - 1


def _tensors(arrays: Arrays) -> list[Any]:
    return [keras.ops.convert_to_tensor(a) for a in arrays]


def _numpy(tensor: Any) -> NDArray[np.float64]:
    return np.asarray(keras.ops.convert_to_numpy(tensor), np.float64)


def _is_float(variable: keras.Variable) -> bool:
    return "float" in keras.backend.standardize_dtype(variable.dtype)


def _positive(variable: keras.Variable) -> Any:
    if variable.name == "moving_mean":
        return keras.ops.zeros_like(variable.value)
    return keras.ops.abs(variable.value)


def _check_finite(name: str, derivative: Weights) -> None:
    bad = [path for path, value in derivative.items() if not np.isfinite(value).all()]
    if bad:
        raise DivergedError(
            f"Expected a finite {name}. Received: inf or nan in {', '.join(bad[:4])}. "
            "Check the weights for overflow, or choose another criterion."
        )
