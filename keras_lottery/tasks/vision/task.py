"""Image classification as the engine sees it."""

from collections.abc import Sequence
from functools import cached_property

import keras
import numpy as np

from keras_lottery import masking
from keras_lottery.backend import distribution
from keras_lottery.config import Config
from keras_lottery.duration import Duration
from keras_lottery.errors import LotteryError
from keras_lottery.tasks.fresh import draw, dtype_policy, seeded
from keras_lottery.tasks.vision.augment import flip_crop
from keras_lottery.tasks.vision.data import load
from keras_lottery.tasks.vision.images import Images
from keras_lottery.tasks.vision.models import ImageInput, models
from keras_lottery.tasks.vision.scaling import scaling_of
from keras_lottery.training import ArrayData, DataOrder, Fitted, Trainer
from keras_lottery.training.flops import flops, uses
from keras_lottery.training.recipe import recipe
from keras_lottery.training.statistics import recompute_statistics
from keras_lottery.types import (
    MaskSet,
    Outcome,
    Progress,
    Start,
    Training,
    VariableInfo,
    Weights,
)

DERIVE_EXAMPLES = 2000
"""Training images, drawn from the seed, over which what a criterion derives is the mean."""


class VisionTask:
    """A network that classifies images; data and model are made when first needed, once.

    Args:
        config: of an experiment whose task is `vision`.
        images: the data set, where it is in memory; None: `config.data` says which.
    """

    name = "vision"
    metric = "accuracy"
    higher_is_better = True

    def __init__(self, config: Config, images: Images | None = None) -> None:
        self.config = config
        self._given = images
        self._models: dict[str, keras.Model] = {}
        self._trainers: dict[str, Trainer] = {}
        self._distribution = distribution.make(config.distribution, config.tpu)
        self._distribution.check_batch(config.train.batch_size)

    def variables(self) -> Sequence[VariableInfo]:
        return masking.describe(self._model, self.config.prune)

    def start_weights(self, seed: int) -> Weights:
        return self.fresh_weights(seed)

    def fresh_weights(self, seed: int) -> Weights:
        return draw(self._build, seed)

    def steps(self, duration: str) -> int:
        train = self.config.train
        order = DataOrder(
            len(self.images.train), train.batch_size, drop_remainder=train.drop_remainder
        )
        return Duration.parse(duration).steps(order.steps_per_epoch)

    def fit(self, training: Training, start: Start, progress: Progress) -> Outcome:
        is_dense = not start.masks and start.parametrization == "zero"
        fitted = self._trainer(start.parametrization).fit(
            start,
            capture_at=self.steps(self.config.rewind.to) if is_dense else None,
            data_seed=training.seed if start.data_seed is None else start.data_seed,
            progress=progress,
        )
        return self._outcome(training, start, fitted)

    def evaluate(self, start: Start, split: str = "test", examples: int = 0) -> dict[str, float]:
        trainer = self._trainer(start.parametrization)
        trainer.place(start)
        return trainer.evaluate(split, examples)

    def evaluate_averaged(self, start: Start) -> dict[str, float]:
        trainer = self._trainer(start.parametrization)
        trainer.place(start)
        recompute_statistics(trainer.model, self.images.train.x)
        found = {split: trainer.evaluate(split) for split in ("test", "train")}
        return {f"{split}_{k}": v for split, one in found.items() for k, v in one.items()}

    def derived(self, name: str, weights: Weights, masks: MaskSet, seed: int) -> Weights:
        model, train = self._unscaled if name == "flow" else self._model, self.images.train
        masking.set_weights(model, weights)
        masking.set_masks(model, masks)
        even = min(DERIVE_EXAMPLES, len(train)) // self._replicas * self._replicas
        chosen = np.random.default_rng(seed).permutation(len(train))[:even]
        examples = train.x[chosen], train.y[chosen]
        batch_size = self.config.train.batch_size
        found = masking.derive(
            name, model, *examples, loss=_loss(), batch_size=batch_size, seed=seed
        )
        return {v.path: found[v.path] for v in self.variables() if v.prunable}

    def flops(self, masks: MaskSet) -> int:
        variables = masking.variables(self._model)
        shapes = {path: tuple(v.shape) for path, v in variables.items()}
        return flops(self._uses, shapes, masks)

    def export_model(self, weights: Weights) -> keras.Model:
        """Returns a plain model from raw images to logits (no softmax)."""
        model = self._build()
        masking.set_weights(model, weights)
        return model

    def arrays(self) -> ArrayData:
        """Returns the images as arrays to train on, augmented as the config says."""
        images = self.images
        return ArrayData(
            train=(images.train.x, images.train.y),
            validation=(images.validation.x, images.validation.y) if images.validation else None,
            test=(images.test.x, images.test.y),
            augment=flip_crop if self.config.data.augment == "flip_crop" else None,
        )

    @property
    def _replicas(self) -> int:
        """Every batch that the model sees is shared out between these."""
        return self._distribution.replicas

    @cached_property
    def images(self) -> Images:
        """The data set.

        Raises:
            LotteryError: it is not there, or leaves nothing to choose the best step by.
        """
        images = self._given or load(self.config.data)
        if self.config.train.value == "best" and images.validation is None:
            raise LotteryError(
                "Expected validation images for train.value='best'. Received: none. "
                "Set data.validation_size, or train.value='final'."
            )
        return images

    @property
    def _model(self) -> keras.Model:
        """The model whose pruned weights are 0."""
        return self._masked("zero")

    def _masked(self, parametrization: str) -> keras.Model:
        """The one masked model that every training under a parametrization uses."""
        if parametrization not in self._models:
            self._models[parametrization] = self._mask(parametrization)
        return self._models[parametrization]

    @cached_property
    def _unscaled(self) -> keras.Model:
        """The same network fed with what scaling makes of images, so that 1 is 1."""
        return self._mask("zero", scaled=False)

    def _mask(self, parametrization: str, scaled: bool = True) -> keras.Model:
        prune = self.config.prune
        with self._distribution.scope(), seeded(0):
            return masking.mask(
                self._build(scaled),
                include=prune.include,
                exclude=prune.exclude,
                biases=prune.biases,
                norms=prune.norms,
                embeddings=prune.embeddings,
                output=prune.output,
                parametrization=parametrization,
            )

    def _trainer(self, parametrization: str) -> Trainer:
        """The one compiled trainer of a parametrization."""
        if parametrization not in self._trainers:
            self._trainers[parametrization] = self._make_trainer(parametrization)
        return self._trainers[parametrization]

    def _make_trainer(self, parametrization: str) -> Trainer:
        how = recipe(self.config, parametrization)
        return Trainer(
            self._masked(parametrization),
            how.optimizer,
            how.train,
            self.arrays(),
            loss=_loss(),
            metrics=[keras.metrics.SparseCategoricalAccuracy(name=self.metric)],
            distribution=self._distribution,
            samples=how.samples,
        )

    @cached_property
    def _uses(self) -> dict[str, int]:
        variables = masking.variables(self._model)
        counts = uses(self._model, np.repeat(self.images.test.x[:1], self._replicas, axis=0))
        return {path: counts[id(v)] for path, v in variables.items() if id(v) in counts}

    def _build(self, scaled: bool = True) -> keras.Model:
        """Returns a new, plain model."""
        images, config = self.images, self.config
        with dtype_policy(config.train.dtype_policy):
            return models[config.model.name](
                ImageInput(
                    shape=images.shape,
                    classes=images.classes,
                    dtype=str(images.train.x.dtype),
                    scaling=scaling_of(images, config.data.scaling) if scaled else None,
                ),
                config.model,
            )

    def _outcome(self, training: Training, start: Start, fitted: Fitted) -> Outcome:
        metrics = {"test_loss": fitted.final["loss"], "best_test_loss": fitted.best["loss"]}
        metrics |= {f"initial_{name}": value for name, value in fitted.initial.items()}
        metrics |= {k: v for k, v in fitted.final.items() if k.endswith("_sd")} | fitted.further
        return Outcome(
            training=training,
            start=start,
            weights=fitted.weights,
            rewind=fitted.rewind,
            steps=fitted.steps,
            seconds=fitted.seconds,
            compile_seconds=fitted.compile_seconds,
            final_value=fitted.final[self.metric],
            best_value=fitted.best[self.metric],
            best_step=fitted.best_step,
            masks=fitted.masks,
            metrics=metrics,
            history=fitted.history,
        )


def _loss() -> keras.losses.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
