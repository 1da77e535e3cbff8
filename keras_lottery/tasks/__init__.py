"""The tasks: one folder per domain. Importing this registers them, without Keras."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from keras_lottery.config import Config, TaskSchema, task_schemas
from keras_lottery.protocols import Task
from keras_lottery.tasks.language.bert.config import BertData, BertModel
from keras_lottery.tasks.language.modeling.config import (
    LanguageModelingData,
    LanguageModelingModel,
)
from keras_lottery.tasks.language.translation.config import TranslationData, TranslationModel
from keras_lottery.tasks.rl.config import RLData, RLModel, ignored
from keras_lottery.tasks.vision.config import VisionData, VisionModel


def _in_own_order(config: Config) -> dict[str, str]:
    """Returns the fields that aren't read if the text determines the batches."""
    return {"train.drop_remainder": f"in the task {config.task!r}, which makes its own batches"}


def _with_lengths(config: Config) -> dict[str, str]:
    """Returns the fields that aren't read if sentences are batched by their length."""
    lengths = cast(BertData, config.data).lengths
    return {"train.drop_remainder": "with data.lengths"} if lengths else {}


def _kind_of_classifier(name: str) -> str:
    """Returns the kind of one of this package's image classifiers; empty for others."""
    kinds = {"dense": ("lenet",), "convolutional": ("conv", "small_cnn", "vgg", "resnet")}
    return next((kind for kind, names in kinds.items() if name.startswith(names)), "")


task_schemas.add(
    "vision",
    TaskSchema(
        data=VisionData,
        model=VisionModel,
        make="keras_lottery.tasks.vision.task:VisionTask",
        kind=_kind_of_classifier,
    ),
    "Image classification: data sets, folders and arrays.",
)
task_schemas.add(
    "rl",
    TaskSchema(
        data=RLData,
        model=RLModel,
        make="keras_lottery.tasks.rl.task:RLTask",
        backend="tensorflow",
        environment={"TF_USE_LEGACY_KERAS": "1"},  # TF-Agents is written for Keras 2
        ignores=ignored,
    ),
    "Agents in CartPole, MinAtar, Atari and other gymnasium environments: DQN, PPO.",
)
task_schemas.add(
    "translation",
    TaskSchema(
        data=TranslationData,
        model=TranslationModel,
        make="keras_lottery.tasks.language.translation.task:TranslationTask",
        ignores=_in_own_order,
        kind=lambda name: "Transformer",
    ),
    "Machine translation with Transformers: WMT'14, Multi30k.",
)
task_schemas.add(
    "bert",
    TaskSchema(
        data=BertData,
        model=BertModel,
        make="keras_lottery.tasks.language.bert.task:BertTask",
        ignores=_with_lengths,
        kind=lambda name: "Transformer",
    ),
    "BERT, fine-tuned on GLUE or SQuAD, or trained on masked language modeling.",
)
task_schemas.add(
    "language_modeling",
    TaskSchema(
        data=LanguageModelingData,
        model=LanguageModelingModel,
        make="keras_lottery.tasks.language.modeling.task:LanguageModelingTask",
        ignores=_in_own_order,
        kind=lambda name: "recurrent",
    ),
    "LSTM language models: WikiText-2, the Penn Treebank.",
)


def make_task(config: Config) -> Task:
    """Returns the task that a config names; imports what it needs, including Keras."""
    module, _, attribute = task_schemas[config.task].make.partition(":")
    make: Callable[[Config], Task] = getattr(import_module(module), attribute)
    return make(config)
