"""What each domain gives the engine; importing this registers the tasks, without Keras."""

from keras_lottery.config import TaskSchema, task_schemas
from keras_lottery.tasks.language.bert.config import BertData, BertModel
from keras_lottery.tasks.language.modelling.config import (
    LanguageModellingData,
    LanguageModellingModel,
)
from keras_lottery.tasks.language.translation.config import TranslationData, TranslationModel
from keras_lottery.tasks.rl.config import RLData, RLModel
from keras_lottery.tasks.vision.config import VisionData, VisionModel

task_schemas.register("vision")(
    TaskSchema(
        data=VisionData,
        model=VisionModel,
        make="keras_lottery.tasks.vision.task:VisionTask",
    )
)
task_schemas.register("rl")(
    TaskSchema(
        data=RLData,
        model=RLModel,
        make="keras_lottery.tasks.rl.task:RLTask",
        backend="tensorflow",
        environment={"TF_USE_LEGACY_KERAS": "1"},  # TF-Agents is written for Keras 2
    )
)
task_schemas.register("translation")(
    TaskSchema(
        data=TranslationData,
        model=TranslationModel,
        make="keras_lottery.tasks.language.translation.task:TranslationTask",
    )
)
task_schemas.register("bert")(
    TaskSchema(
        data=BertData,
        model=BertModel,
        make="keras_lottery.tasks.language.bert.task:BertTask",
    )
)
task_schemas.register("language_modelling")(
    TaskSchema(
        data=LanguageModellingData,
        model=LanguageModellingModel,
        make="keras_lottery.tasks.language.modelling.task:LanguageModellingTask",
    )
)
