"""Masked models, initial weights, FLOPs and plain models, for every task with a network."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import keras

from keras_lottery import masking, toolkit
from keras_lottery.backend import distribution
from keras_lottery.config import Config
from keras_lottery.tasks.seeding import draw, dtype_policy, seeded
from keras_lottery.training.flops import flops, uses
from keras_lottery.types import MaskSet, VariableInfo, Weights


class MaskedTask(ABC):
    """A task around one network; subclasses define how it learns.

    Args:
        config: of an experiment.
    """

    name: str
    metric: str
    higher_is_better: bool

    def __init__(self, config: Config) -> None:
        self.config = config
        self._distribution = distribution.make(config.distribution, config.tpu)
        self._distribution.check_batch(self._batch_size())

    def _batch_size(self) -> int:
        """Returns what the replicas of the model split evenly in each step."""
        return self.config.train.batch_size

    @abstractmethod
    def build(self) -> keras.Model:
        """Returns a new, plain model."""

    @property
    @abstractmethod
    def _model(self) -> keras.Model:
        """The model whose pruned weights are 0."""

    @abstractmethod
    def _inputs(self) -> Any:
        """Returns the smallest input that the model can be called on."""

    def variables(self) -> Sequence[VariableInfo]:
        return self._variables

    def start_weights(self, seed: int) -> Weights:
        return self.fresh_weights(seed)

    def fresh_weights(self, seed: int) -> Weights:
        _ = self._model  # read the data first, since reading may draw random numbers too
        return draw(self._new, seed)

    def flops(self, masks: MaskSet) -> int:
        variables = masking.variables(self._model)
        shapes = {path: tuple(v.shape) for path, v in variables.items()}
        return flops(self._uses, shapes, masks)

    def export_model(self, weights: Weights) -> keras.Model:
        """Returns a plain model from raw inputs to raw outputs (no softmax)."""
        model = self._new()
        masking.set_weights(model, weights)
        return model

    def assets(self) -> dict[str, bytes]:
        return {}

    @cached_property
    def _variables(self) -> Sequence[VariableInfo]:
        return toolkit.describe_selected(self._model, self.config.prune)

    @cached_property
    def _uses(self) -> dict[str, int]:
        variables = masking.variables(self._model)
        counts = uses(self._model, self._inputs())
        return {path: counts[id(v)] for path, v in variables.items() if id(v) in counts}

    def _mask(
        self, parametrization: str, build: Callable[[], keras.Model] | None = None
    ) -> keras.Model:
        """Returns a new masked model, created under the distribution's scope."""
        prune = self.config.prune
        with self._distribution.scope(), seeded(0):
            return toolkit.mask(
                self._new(build),
                include=prune.include,
                exclude=prune.exclude,
                biases=prune.biases,
                norms=prune.norms,
                embeddings=prune.embeddings,
                output=prune.output,
                parametrization=parametrization,
                pattern=prune.pattern,
            )

    def _new(self, build: Callable[[], keras.Model] | None = None) -> keras.Model:
        """Returns a new model whose layers have the config's dtype policy."""
        with dtype_policy(self.config.train.dtype_policy):
            return (build or self.build)()
